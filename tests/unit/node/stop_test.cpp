#include "cluster.hpp"

namespace keel::test {
namespace {

// Every command ends exactly once, before `stop` returns, and nothing of anybody's is called afterwards.
TEST(Stop, EndsEverythingThatWaitsAndThenIsSilent) {  // hazard: H57, scenario: E-08
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).mode = FakeLog::Mode::manual;
  const auto sent = cluster.submit(1, "in the log");
  const auto read = cluster.read(1);
  cluster.network.isolate(NodeId(1));
  cluster.run();
  const auto unsent = cluster.submit(1, "not yet");
  const auto moved = cluster.transfer(1, 2);
  cluster.node(1).stop();
  EXPECT_EQ(sent->code(), ErrorCode::leadership_lost) << sent->text();
  EXPECT_EQ(unsent->code(), ErrorCode::stopping) << unsent->text();
  EXPECT_TRUE(read->times == 1) << read->text();
  EXPECT_EQ(moved->code(), ErrorCode::stopping) << moved->text();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::stopped);
  EXPECT_EQ(cluster.observer(1).told().back(), "NodeStopped");

  const std::size_t events = cluster.observer(1).events.size();
  cluster.log(1).finish_all();
  cluster.executor.advance(20s);
  for (const int times : {sent->times, unsent->times, read->times, moved->times})
    EXPECT_EQ(times, 1);
  EXPECT_EQ(cluster.observer(1).events.size(), events);
  EXPECT_EQ(cluster.log(1).calls_when_closed, 0u);
  EXPECT_EQ(cluster.transport(1).calls_when_detached, 0u);
}

TEST(Stop, LaterCallsEndWithStopping) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.node(1).stop();
  const auto command = cluster.submit(1, "x");
  const auto read = cluster.read(1, ReadLevel::local);
  const auto moved = cluster.transfer(1, 2);
  EXPECT_EQ(command->times, 0);
  cluster.node(1).step_down();
  cluster.node(1).expire(Timer::election);
  cluster.node(1).receive({});
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::stopping);
  EXPECT_EQ(read->code(), ErrorCode::stopping);
  EXPECT_EQ(moved->code(), ErrorCode::stopping);
}

TEST(Stop, FromInsideACompletionEndsTheOthersToo) {
  TestCluster cluster(1);
  cluster.elect(1);
  std::vector<Command1> others;
  cluster.node(1).submit(bytes_of("stop"), {}, [&](Result<Applied>) { cluster.node(1).stop(); });
  for (int i = 0; i < 5; ++i)
    others.push_back(cluster.submit(1, "x"));
  cluster.run();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::stopped);
  for (const auto& command : others)
    EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Stop, ANodeMayBeDestroyedByItsOwnCompletion) {
  TestCluster cluster(1);
  cluster.elect(1);
  bool called = false;
  cluster.node(1).submit(bytes_of("x"), {}, [&](Result<Applied>) {
    called = true;
    cluster.servers[1].node.reset();
  });
  const auto other = cluster.submit(1, "y");
  cluster.run();
  EXPECT_TRUE(called);
  EXPECT_TRUE(other->ok()) << other->text();
  cluster.executor.advance(10s);
}

TEST(Stop, FromInsideApplyAndFromInsideAnObserver) {
  for (const bool from_machine : {true, false}) {
    TestCluster cluster(3);
    cluster.elect(1);
    const auto stop = [&] { cluster.node(1).stop(); };
    if (from_machine) {
      cluster.machine(1).in_apply = stop;
    } else {
      cluster.observer(1).on = [&](const Event& event) {
        if (describe(event).find("CommitAdvanced") != std::string::npos) stop();
      };
    }
    const auto command = cluster.submit(1, "x");
    cluster.run();
    EXPECT_EQ(command->times, 1) << command->text();
    EXPECT_EQ(cluster.node(1).status().state, NodeState::stopped);
    EXPECT_EQ(cluster.log(1).calls_when_closed, 0u);
    EXPECT_EQ(cluster.transport(1).calls_when_detached, 0u);
  }
}

// What a transport is handed has left: nobody may be told that it was not appended.
TEST(Stop, FromInsideATransportsSendOrFlush) {
  for (const bool from_send : {true, false}) {
    TestCluster cluster(3);
    cluster.elect(1);
    const auto stop = [&] { cluster.node(1).stop(); };
    if (from_send) {
      cluster.transport(1).in_send = [&](const PeerMessage& message) {
        if (is<AppendRequest>(message)) stop();
      };
    } else {
      cluster.transport(1).in_flush = stop;
    }
    const auto command = cluster.submit(1, "x");
    cluster.run();
    EXPECT_EQ(command->code(), ErrorCode::leadership_lost) << command->text();
    EXPECT_EQ(cluster.node(1).status().state, NodeState::stopped);
    EXPECT_EQ(cluster.log(1).calls_when_closed, 0u);
    EXPECT_EQ(cluster.transport(1).calls_when_detached, 0u);
    EXPECT_EQ(cluster.transport(1).detached, 1u);
    EXPECT_EQ(cluster.observer(1).told().back(), "NodeStopped");
    cluster.executor.advance(5s);
    EXPECT_EQ(command->times, 1);
  }
}

// An answer that has just become free goes out with the stop, and what sends it stops the node once more.
TEST(Stop, FromInsideItsOwnLastSend) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(2).mode = FakeLog::Mode::manual;
  cluster.submit(1, "x");
  cluster.run();
  cluster.log(2).finish_all();
  cluster.transport(2).in_send = [&](const PeerMessage&) { cluster.node(2).stop(); };
  cluster.node(2).stop();
  EXPECT_EQ(cluster.node(2).status().state, NodeState::stopped);
  EXPECT_EQ(cluster.transport(2).detached, 1u);
  EXPECT_EQ(cluster.observer(2).count("NodeStopped"), 1u);
}

TEST(Stop, ANodeMayBeDestroyedByItsOwnSend) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.transport(1).in_send = [&](const PeerMessage&) { cluster.servers[1].node.reset(); };
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(cluster.servers[1].node, nullptr);
  EXPECT_EQ(command->code(), ErrorCode::leadership_lost) << command->text();
  EXPECT_EQ(cluster.log(1).calls_when_closed, 0u);
}

// With a path for the answers, what waits to be sent leaves from inside `receive`.
TEST(Stop, ANodeMayBeDestroyedByASendFromInsideReceive) {
  TestCluster cluster(3);
  cluster.elect(1);
  const auto command = cluster.submit(1, "x");
  cluster.transport(1).in_send = [&](const PeerMessage&) { cluster.servers[1].node.reset(); };
  const Term term = cluster.node(1).raft().term();
  cluster.node(1).receive(
      {GroupId(), NodeId(2), NodeId(1), Message{GroupId(), NodeId(2), NodeId(1), term, HeartbeatReply{}}},
      [](const PeerMessage&) {});
  EXPECT_EQ(cluster.servers[1].node, nullptr);
  EXPECT_EQ(command->code(), ErrorCode::leadership_lost) << command->text();
  cluster.run();
  EXPECT_EQ(cluster.log(1).calls_when_closed, 0u);
}

// Nor is a stop, or a destructor, the place where an exception may come out.
TEST(Stop, WhatThePartsThrowAtTheEndKeepsNobodyWaiting) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  const auto command = cluster.submit(1, "x");
  cluster.run();
  const auto read = cluster.read(1);
  cluster.log(1).throws = cluster.transport(1).throws = true;
  cluster.node(1).stop();
  EXPECT_EQ(command->code(), ErrorCode::leadership_lost) << command->text();
  EXPECT_EQ(read->code(), ErrorCode::stopping) << read->text();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::stopped);
  EXPECT_EQ(cluster.node(1).status().caught_exceptions, 3u) << "of detach, stats and close";
  EXPECT_FALSE(cluster.log(1).is_open());
  cluster.log(2).throws = cluster.transport(2).throws = true;
  cluster.servers[2].node.reset();
}

}  // namespace
}  // namespace keel::test
