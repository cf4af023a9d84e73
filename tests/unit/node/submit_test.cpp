#include "cluster.hpp"

namespace keel::test {
namespace {

TEST(Submit, LeaderAnswersWithItsMachinesReply) {  // scenario: C-01
  TestCluster cluster(3);
  cluster.elect(1);
  const auto command = cluster.submit(1, "x=1");
  EXPECT_EQ(command->times, 0) << "no completion runs from inside the call that took it";
  cluster.run();
  ASSERT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(command->result->value().reply, "ok x=1");
  EXPECT_EQ(command->result->value().position.term, cluster.node(1).raft().term());
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.machine(id).commands(), std::vector<std::string>{"x=1"});
}

TEST(Submit, AClusterOfOneCommitsWhenItsOwnWriteIsDurable) {  // scenario: E-17, hazard: H41
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.log(1).mode = FakeLog::Mode::manual;
  const auto command = cluster.submit(1, "x=1");
  cluster.run();
  EXPECT_EQ(command->times, 0);
  EXPECT_TRUE(cluster.machine(1).seen.empty());
  cluster.log(1).finish_all();
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Submit, TellsWhereItWasAppendedBeforeItIsApplied) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).mode = FakeLog::Mode::manual;
  cluster.network.isolate(NodeId(1));
  std::optional<LogPosition> appended;
  SubmitOptions options;
  options.appended = [&](LogPosition position) { appended = position; };
  const auto command = cluster.submit(1, "x=1", std::move(options));
  EXPECT_FALSE(appended.has_value());
  cluster.run();
  ASSERT_TRUE(appended.has_value());
  EXPECT_EQ(*appended, cluster.node(1).raft().log().last());
  EXPECT_EQ(command->times, 0);
}

TEST(Submit, ContextComesToApplyWhereTheCommandWasSubmittedAndNowhereElse) {  // mission: 4X
  TestCluster cluster(3);
  cluster.elect(1);
  const auto mine = std::make_shared<int>(42);
  cluster.submit(1, "local", {.context = mine});
  const auto other = std::make_shared<int>(43);
  cluster.submit(2, "forwarded", {.context = other});
  cluster.run();
  cluster.executor.advance(1s);
  for (std::uint64_t id : {1, 2, 3}) {
    ASSERT_EQ(cluster.machine(id).commands(), (std::vector<std::string>{"local", "forwarded"})) << id;
    EXPECT_EQ(cluster.machine(id).seen[0].context, id == 1 ? mine : nullptr) << id;
    EXPECT_EQ(cluster.machine(id).seen[1].context, id == 2 ? other : nullptr) << id;
  }
}

TEST(Submit, SessionAndWallTimeTravelWithTheEntry) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.executor.advance(5s);
  cluster.submit(1, "x", {.session = 9, .sequence = 4});
  cluster.run();
  cluster.executor.advance(100ms);
  for (std::uint64_t id : {1, 2, 3}) {
    ASSERT_EQ(cluster.machine(id).seen.size(), 1u);
    const Envelope& envelope = cluster.machine(id).seen[0].envelope;
    EXPECT_EQ(envelope.session, 9u);
    EXPECT_EQ(envelope.sequence, 4u);
    EXPECT_EQ(envelope.wall_time, cluster.machine(1).seen[0].envelope.wall_time);
    EXPECT_GE(envelope.wall_time.time_since_epoch(), 5s);
  }
}

TEST(Submit, ApplicationKindsReachTheMachineAndRaftsOwnAreRefused) {  // mission: 11, 20
  TestCluster cluster(3);
  cluster.elect(1);
  for (std::uint64_t id : {1, 2}) {
    const auto own = cluster.submit(id, "mine", {.kind = static_cast<EntryKind>(200)});
    const auto raft = cluster.submit(id, "bad", {.kind = EntryKind::configuration});
    cluster.run();
    EXPECT_TRUE(own->ok()) << own->text();
    EXPECT_EQ(raft->code(), ErrorCode::invalid);
    ASSERT_EQ(cluster.machine(1).commands().size(), id);
    EXPECT_EQ(cluster.machine(1).seen.back().kind, static_cast<EntryKind>(200));
  }
}

TEST(Submit, TooLargeIsRefusedAndTheLimitItselfIsNot) {  // scenario: C-21
  TestCluster cluster(1, [](NodeOptions& options) { options.raft.max_entry_bytes = 1000; });
  cluster.elect(1);
  const auto fits = cluster.submit(1, std::string(1000, 'x'));
  const auto one_more = cluster.submit(1, std::string(1001, 'x'));
  cluster.run();
  EXPECT_TRUE(fits->ok()) << fits->text();
  EXPECT_EQ(one_more->code(), ErrorCode::too_large);
}

TEST(Submit, ExpectedTermIsHeld) {
  TestCluster cluster(3);
  cluster.elect(1);
  const Term term = cluster.node(1).raft().term();
  const auto right = cluster.submit(1, "right", {.expected_term = term});
  const auto wrong = cluster.submit(1, "wrong", {.expected_term = term.next()});
  const auto forwarded = cluster.submit(2, "forwarded", {.expected_term = term.previous()});
  cluster.run();
  EXPECT_TRUE(right->ok()) << right->text();
  EXPECT_EQ(wrong->code(), ErrorCode::wrong_term);
  EXPECT_EQ(forwarded->code(), ErrorCode::wrong_term);
}

TEST(Submit, CommandsPastTheBoundAreOverloadedAndNoneIsLost) {  // scenario: C-20, hazard: H52
  TestCluster cluster(3, [](NodeOptions& options) { options.max_waiting_commands = 10; });
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  std::vector<Command1> commands;
  for (int i = 0; i < 25; ++i)
    commands.push_back(cluster.submit(1, std::to_string(i)));
  cluster.run();
  for (int i = 0; i < 25; ++i) {
    if (i < 10) {
      EXPECT_EQ(commands[static_cast<std::size_t>(i)]->times, 0) << i;
    } else {
      EXPECT_EQ(commands[static_cast<std::size_t>(i)]->code(), ErrorCode::overloaded) << i;
    }
  }
  EXPECT_EQ(cluster.node(1).status().commands_waiting, 10u);
  cluster.network.heal();
  cluster.executor.advance(1s);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_TRUE(commands[i]->ok()) << commands[i]->text();
}

TEST(Submit, AFullDiskIsOverloadedAndNeverAFailedWrite) {  // scenario: D-04
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).room = 4u << 20;
  const auto refused = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(refused->code(), ErrorCode::overloaded);
  cluster.log(1).room = (4u << 20) + 1000;
  const auto taken = cluster.submit(1, "y");
  const auto same_turn = cluster.submit(1, std::string(1000, 'z'));
  cluster.run();
  EXPECT_TRUE(taken->ok()) << taken->text();
  EXPECT_EQ(same_turn->code(), ErrorCode::overloaded) << "what the turn has accepted already counts";
}

TEST(Submit, AReserveBeyondAllRoomTakesNothing) {
  TestCluster cluster(1, [](NodeOptions& options) { options.min_room = std::numeric_limits<std::uint64_t>::max(); });
  cluster.elect(1);
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::overloaded) << command->text();
}

TEST(Submit, WithoutForwardingTheErrorNamesTheLeaderAndItsAddress) {  // mission: 3, R4; scenario: C-01
  TestCluster cluster(3);
  const auto early = cluster.submit(2, "x", {.forward = false});
  cluster.run();
  EXPECT_EQ(early->code(), ErrorCode::no_leader);
  cluster.elect(1);
  const auto late = cluster.submit(2, "x", {.forward = false});
  cluster.run();
  ASSERT_EQ(late->code(), ErrorCode::not_leader);
  EXPECT_EQ(late->result->error().leader, 1u);
  EXPECT_NE(late->result->error().message.find("10.0.0.1:7100"), std::string::npos) << late->text();
}

TEST(Submit, ARefusalMayAskAgainFromItsCompletionWithoutHoldingUpTheLoop) {
  TestCluster cluster(3);
  int tries = 0;
  bool enough = false;
  std::function<void()> again = [&] {
    if (enough) return;
    ++tries;
    cluster.node(1).submit(bytes_of("x"), {.forward = false}, [&](Result<Applied>) { again(); });
  };
  again();
  for (int i = 0; i < 100; ++i)
    cluster.executor.run_one();
  EXPECT_GT(tries, 2);
  EXPECT_LE(tries, 101) << "one try a turn";
  enough = true;
  cluster.run();
}

TEST(Submit, ADeadlineThatIsOverAppendsNothing) {
  TestCluster cluster(1);
  cluster.elect(1);
  const Index last = cluster.node(1).raft().log().last().index;
  const auto command = cluster.submit(1, "x", {.deadline = cluster.executor.now()});
  cluster.run();
  ASSERT_EQ(command->code(), ErrorCode::invalid);
  EXPECT_EQ(outcome_of(*command->code()), Outcome::not_appended) << "it is safe to try again";
  EXPECT_EQ(cluster.node(1).raft().log().last().index, last);
}

TEST(Submit, TimesOutOnceAndStillApplies) {  // scenario: C-17, mission: 5
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  const auto command = cluster.submit(1, "x", {.deadline = cluster.executor.now() + 50ms});
  cluster.executor.advance(49ms);
  EXPECT_EQ(command->times, 0);
  cluster.executor.advance(1ms);
  EXPECT_EQ(command->code(), ErrorCode::timed_out);
  EXPECT_EQ(outcome_of(*command->code()), Outcome::unknown);
  cluster.network.heal();
  cluster.executor.advance(1s);
  EXPECT_EQ(cluster.machine(1).commands(), std::vector<std::string>{"x"});
  EXPECT_EQ(command->times, 1);
}

TEST(Submit, AnExLeadersCommandsAreDiscardedOnceThatIsProvenAndNotBefore) {  // scenario: C-16, P-02; hazard: H57
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  std::vector<Command1> lost;
  for (int i = 0; i < 5; ++i)
    lost.push_back(cluster.submit(1, "lost " + std::to_string(i)));
  cluster.executor.advance(3s);  // node 1 resigns, another is elected
  EXPECT_NE(cluster.node(1).raft().role(), RoleName::leader);
  for (const auto& command : lost)
    EXPECT_EQ(command->times, 0) << command->text();

  const std::uint64_t leader = cluster.node(2).raft().role() == RoleName::leader ? 2 : 3;
  const auto kept = cluster.submit(leader, "kept");
  cluster.run();
  EXPECT_TRUE(kept->ok()) << kept->text();
  cluster.network.heal();
  cluster.executor.advance(3s);
  for (const auto& command : lost)
    EXPECT_EQ(command->code(), ErrorCode::discarded) << command->text();
  EXPECT_FALSE(cluster.machine(1).gone.empty()) << "the machine hears of what was truncated";
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.machine(id).commands(), std::vector<std::string>{"kept"}) << id;
}

// Truncation alone proves nothing: leader 1 puts an entry on itself and 2; 3, elected by 4 and 5, overwrites it on 1 and
// dies; 2 wins and commits the old entry after all.
TEST(Submit, WhatWasTruncatedMayReturn) {  // scenario: C-16b
  TestCluster cluster(5, [](NodeOptions& options) {
    options.raft.stickiness = false;
    options.raft.pre_vote = false;
  });
  cluster.elect(1);
  const auto between = [&](std::uint64_t a, std::uint64_t b, const PeerMessage& m) {
    return (m.from == NodeId(a) && m.to == NodeId(b)) || (m.from == NodeId(b) && m.to == NodeId(a));
  };
  cluster.network.lose = [&](const PeerMessage& m) { return !between(1, 2, m); };
  const auto command = cluster.submit(1, "phoenix");
  cluster.run();
  ASSERT_EQ(cluster.log(2).entries().size(), cluster.log(1).entries().size());

  cluster.network.lose = [&](const PeerMessage& m) {
    if (is<VoteRequest>(m) || is<VoteReply>(m)) return !between(3, 4, m) && !between(3, 5, m);
    return !between(3, 1, m) || is<AppendReply>(m);
  };
  // 3 refuses whoever is behind, and is behind itself: 4 and 5 are as it is.
  cluster.node(3).expire(Timer::election);
  cluster.run();
  ASSERT_EQ(cluster.node(3).raft().role(), RoleName::leader);
  cluster.network.lose = [&](const PeerMessage& m) { return !between(3, 1, m); };
  cluster.node(3).expire(Timer::heartbeat);
  cluster.run();
  ASSERT_FALSE(cluster.machine(1).gone.empty());
  EXPECT_EQ(command->times, 0) << command->text();

  cluster.crash(3);
  cluster.network.lose = [&](const PeerMessage& m) { return m.from == NodeId(1) || m.to == NodeId(1); };
  for (int i = 0; i < 3 && cluster.node(2).raft().role() != RoleName::leader; ++i) {
    cluster.node(2).expire(Timer::election);
    cluster.run();
  }
  ASSERT_EQ(cluster.node(2).raft().role(), RoleName::leader);
  cluster.network.heal();
  cluster.executor.advance(500ms);
  EXPECT_TRUE(command->ok()) << command->text();
  for (std::uint64_t id : {1, 2, 4, 5}) {
    EXPECT_EQ(cluster.machine(id).commands(), std::vector<std::string>{"phoenix"}) << id;
  }
}

// A new leader's clock may be behind the old one's: the log's time does not go back.
TEST(Submit, WallTimeNeverGoesBackInTheLog) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.clock.wall_ahead = 1h;
  cluster.submit(1, "a");
  cluster.run();
  cluster.clock.wall_ahead = 0h;
  cluster.executor.advance(2s);
  cluster.crash(2);
  cluster.start(2);  // knows the log's time only from the disk
  cluster.executor.advance(200ms);
  EXPECT_TRUE([&] {
    const auto moved = cluster.transfer(1, 2);
    cluster.executor.advance(100ms);
    return moved->ok();
  }());
  cluster.submit(2, "b");
  cluster.run();
  cluster.executor.advance(200ms);
  ASSERT_EQ(cluster.machine(3).commands(), (std::vector<std::string>{"a", "b"}));
  EXPECT_GE(cluster.machine(3).seen[1].envelope.wall_time, cluster.machine(3).seen[0].envelope.wall_time);
}

}  // namespace
}  // namespace keel::test
