#include "cluster.hpp"

namespace keel::test {
namespace {

// What depends on a write leaves when that write is durable, and not before; what does not leaves beside it.
TEST(Pump, HeldMessagesLeaveOnlyWhenTheirWriteIsDurable) {  // hazard: H12, scenario: E-06, mission: 21
  TestCluster cluster(3);
  cluster.elect(1);
  for (std::uint64_t id : {1, 2, 3})
    cluster.log(id).mode = FakeLog::Mode::manual;
  cluster.network.log = true;
  const auto command = cluster.submit(1, "x");
  cluster.run();
  const auto count = [&](auto what, std::uint64_t from) {
    return std::ranges::count_if(cluster.network.sent,
                                 [&](const PeerMessage& m) { return m.from == NodeId(from) && what(m); });
  };
  EXPECT_EQ(count(is<AppendRequest>, 1), 2) << "beside the leader's own write";
  EXPECT_EQ(cluster.log(1).waiting(), 1u);
  EXPECT_EQ(count(is<AppendReply>, 2), 0);
  cluster.log(2).finish_one();
  cluster.run();
  EXPECT_EQ(count(is<AppendReply>, 2), 1);
  EXPECT_EQ(count(is<AppendReply>, 3), 0);
  EXPECT_EQ(command->times, 0) << "one of three";
  cluster.log(3).finish_one();
  cluster.run();
  EXPECT_EQ(cluster.node(1).raft().commit(), cluster.log(1).entries().back().index) << "2 and 3 are a majority";
  EXPECT_EQ(command->times, 0) << "it is not durable here yet";
  cluster.log(1).finish_one();
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Pump, AVoteLeavesOnlyWhenItIsDurable) {  // hazard: H12
  TestCluster cluster(3);
  for (std::uint64_t id : {1, 2, 3})
    cluster.log(id).mode = FakeLog::Mode::manual;
  cluster.network.log = true;
  cluster.node(1).expire(Timer::election);
  cluster.run();
  const auto requests = [&] {
    return std::ranges::count_if(cluster.network.sent, [](const PeerMessage& m) {
      const auto* protocol = std::get_if<Message>(&m.body);
      const auto* request = protocol == nullptr ? nullptr : std::get_if<VoteRequest>(&protocol->body);
      return request != nullptr && !request->pre_vote;
    });
  };
  EXPECT_EQ(requests(), 0) << "the candidate's vote for itself is in none of them yet";
  cluster.log(1).finish_all();
  cluster.run();
  EXPECT_EQ(requests(), 2);
  EXPECT_EQ(cluster.node(1).raft().role(), RoleName::candidate) << "nobody else's vote is durable";
  for (const PeerMessage& m : cluster.network.sent) {
    const auto* protocol = std::get_if<Message>(&m.body);
    const auto* reply = protocol == nullptr ? nullptr : std::get_if<VoteReply>(&protocol->body);
    EXPECT_TRUE(reply == nullptr || reply->pre_vote);
  }
  cluster.log(2).finish_all();
  cluster.run();
  EXPECT_EQ(cluster.node(1).raft().role(), RoleName::leader);
}

TEST(Pump, ATurnIsOneWriteAndOneFlush) {
  TestCluster cluster(3);
  cluster.elect(1);
  const std::uint64_t writes = cluster.log(1).writes;
  cluster.network.log = true;
  cluster.network.lose = [](const PeerMessage&) { return true; };
  const std::uint64_t flushes = cluster.transport(1).flushes;
  for (int i = 0; i < 100; ++i)
    cluster.submit(1, "x");
  EXPECT_TRUE(cluster.executor.run_one());
  EXPECT_EQ(cluster.log(1).writes, writes + 1);
  EXPECT_EQ(cluster.transport(1).flushes, flushes + 1);
  EXPECT_EQ(cluster.network.sent.size(), 2u) << "one message a peer";
}

// Storage delayed by a second: nothing is acknowledged early, heartbeats go on, and N commands at once cost at most two
// syncs a node.
TEST(Pump, StorageDelayedByASecond) {  // mission: 7, scenario: D-05
  TestCluster cluster(3);
  cluster.elect(1);
  const Term term = cluster.node(1).raft().term();
  for (std::uint64_t id : {1, 2, 3})
    cluster.log(id).mode = FakeLog::Mode::slow;
  std::map<std::uint64_t, std::uint64_t> syncs;
  for (std::uint64_t id : {1, 2, 3})
    syncs[id] = cluster.log(id).syncs;
  std::vector<Command1> commands;
  for (int i = 0; i < 200; ++i) {
    commands.push_back(cluster.submit(1, std::to_string(i)));
    if (i % 10 == 0) cluster.run();  // twenty turns, at one moment
  }
  cluster.executor.advance(999ms);
  for (const auto& command : commands)
    EXPECT_EQ(command->times, 0);
  cluster.executor.advance(1001ms);
  for (const auto& command : commands)
    EXPECT_TRUE(command->ok()) << command->text();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_LE(cluster.log(id).syncs - syncs[id], 2u) << id;
  cluster.executor.advance(10s);
  EXPECT_EQ(cluster.node(1).raft().role(), RoleName::leader);
  EXPECT_EQ(cluster.node(2).raft().term(), term) << "heartbeats went on";
}

TEST(Pump, AStoreThatIsDoneAtOnceWorksAlike) {
  TestCluster cluster(3);
  for (std::uint64_t id : {1, 2, 3})
    cluster.log(id).mode = FakeLog::Mode::at_once;
  cluster.elect(1);
  std::vector<Command1> commands;
  for (int i = 0; i < 100; ++i)
    commands.push_back(cluster.submit(1 + static_cast<std::uint64_t>(i % 3), "x"));
  cluster.run();
  for (const auto& command : commands)
    EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Pump, AnIdleNodeSleepsUntilItsNextDeadline) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.submit(1, "x");
  cluster.run();
  EXPECT_FALSE(cluster.executor.run_one()) << "nothing is posted when there is nothing to do";
}

TEST(Pump, ALaggingPeerIsFedFromTheStore) {  // scenario: C-13
  TestCluster cluster(3, [](NodeOptions& options) {
    options.raft.log_cache_bytes = 1000;
    options.raft.max_append_bytes = 2000;
  });
  cluster.elect(1);
  cluster.network.isolate(NodeId(3));
  for (int i = 0; i < 500; ++i) {
    cluster.submit(1, std::string(100, 'x'));
    if (i % 10 == 0) cluster.run();
  }
  cluster.executor.advance(300ms);
  ASSERT_EQ(cluster.machine(1).seen.size(), 500u);
  cluster.network.heal();
  cluster.executor.advance(2s);
  EXPECT_EQ(cluster.machine(3).seen.size(), 500u);
}

// "As many as you like" is the largest number there is: no sum may go beyond it.
TEST(Pump, WhatIsReadBackMayBeUnboundedInEntries) {
  TestCluster cluster(1, [](NodeOptions& options) {
    options.max_apply_entries = std::numeric_limits<std::size_t>::max();
    options.max_apply_bytes = 100;
  });
  cluster.elect(1);
  for (int i = 0; i < 20; ++i)
    cluster.submit(1, std::string(40, 'x'));
  cluster.run();
  cluster.crash(1);
  cluster.start(1);
  cluster.elect(1);
  cluster.run();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::running);
  EXPECT_EQ(cluster.machine(1).seen.size(), 20u);
}

TEST(Pump, AReadErrorWhileFeedingAPeerEndsOnlyThatStream) {  // hazard: H49
  TestCluster cluster(3, [](NodeOptions& options) { options.raft.log_cache_bytes = 100; });
  cluster.elect(1);
  cluster.network.isolate(NodeId(3));
  for (int i = 0; i < 50; ++i) {
    cluster.submit(1, std::string(100, 'x'));
    cluster.run();
  }
  cluster.log(1).fail_reads = Error{ErrorCode::io, "segment 7: Input/output error"};
  cluster.network.heal();
  cluster.executor.advance(2s);
  EXPECT_EQ(cluster.node(1).status().state, NodeState::running);
  ASSERT_FALSE(cluster.node(1).recent_errors().empty()) << "but somebody should look at it";
  EXPECT_NE(describe(cluster.node(1).recent_errors().back()).find("FetchFailed"), std::string::npos);
  EXPECT_NE(describe(cluster.node(1).recent_errors().back()).find("segment 7"), std::string::npos);
  EXPECT_TRUE(cluster.machine(3).seen.empty());
  cluster.log(1).fail_reads.reset();
  cluster.executor.advance(2s);
  EXPECT_EQ(cluster.machine(3).seen.size(), 50u);
}

// Node 2 hears node 1 by an RPC of the test's own: answers go back through the path, also those that wait for a disk.
TEST(Pump, AnswersGoBackThroughTheReplyPath) {  // mission: 2, R2a
  TestCluster cluster(3);
  cluster.network.hold = [](const PeerMessage& m) { return m.to == NodeId(2); };
  cluster.network.log = true;
  cluster.node(1).expire(Timer::election);
  std::vector<PeerMessage> answers;
  const auto pass_on = [&] {
    for (int rounds = 0; rounds < 20; ++rounds) {
      cluster.run();
      for (PeerMessage& m : std::exchange(cluster.network.held, {})) {
        cluster.node(2).receive(std::move(m), [&](PeerMessage answer) {
          answers.push_back(answer);
          cluster.network.deliver(std::move(answer));
        });
      }
    }
  };
  pass_on();
  ASSERT_TRUE(cluster.node(1).status().raft.ready);
  cluster.network.lose = [](const PeerMessage& m) { return m.to == NodeId(3); };
  const auto command = cluster.submit(1, "x");
  cluster.run();
  answers.clear();
  cluster.log(2).mode = FakeLog::Mode::manual;
  pass_on();
  EXPECT_EQ(std::ranges::count_if(answers, is<AppendReply>), 0) << "its write is not durable";
  cluster.log(2).finish_all();
  cluster.run();
  EXPECT_EQ(std::ranges::count_if(answers, is<AppendReply>), 1);
  pass_on();
  EXPECT_TRUE(command->ok()) << command->text();
  const auto by_transport = std::ranges::count_if(
      cluster.network.sent, [](const PeerMessage& m) { return m.from == NodeId(2) && m.to == NodeId(1); });
  EXPECT_EQ(by_transport, 0);
}

// What a message did not settle alone has no path: a read is confirmed by whoever answers the leader's question.
TEST(Pump, AnAnswerThatAnotherMessageMadePossibleGoesThroughTheTransport) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.log = true;
  const Term term = cluster.node(1).raft().term();
  const Message question{GroupId(), NodeId(2), NodeId(1), term, ReadIndexRequest{1}};
  std::vector<PeerMessage> answers;
  cluster.network.hold = [](const PeerMessage& m) { return m.to == NodeId(2); };
  cluster.node(1).receive({GroupId(), NodeId(2), NodeId(1), question},
                          [&](PeerMessage answer) { answers.push_back(std::move(answer)); });
  cluster.run();
  EXPECT_EQ(std::ranges::count_if(answers, is<Heartbeat>), 1) << "the round that it gave rise to";
  EXPECT_EQ(std::ranges::count_if(answers, is<ReadIndexReply>), 0);
  EXPECT_EQ(std::ranges::count_if(cluster.network.held, is<ReadIndexReply>), 1) << "node 3 has confirmed it";
}

TEST(Pump, AForwardedCommandIsAcceptedThroughTheReplyPath) {
  TestCluster cluster(3);
  cluster.elect(1);
  ForwardRequest request;
  request.tag = 77;
  request.expected_term = cluster.node(1).raft().term();
  request.command = Payload::copy_of(bytes_of("x"));
  std::optional<PeerMessage> answer;
  cluster.node(1).receive({GroupId(), NodeId(2), NodeId(1), request}, [&](PeerMessage m) { answer = std::move(m); });
  EXPECT_FALSE(answer.has_value()) << "not from inside the call";
  cluster.run();
  ASSERT_TRUE(answer.has_value());
  const auto* reply = std::get_if<ForwardReply>(&answer->body);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->tag, 77u);
  EXPECT_EQ(reply->position, cluster.node(1).raft().log().last());
}

TEST(Pump, MessagesForSomebodyElseAreCountedAndShown) {  // scenario: X-08
  TestCluster cluster(3);
  cluster.elect(1);
  const Message stray{GroupId(), NodeId(2), NodeId(3), Term(1), Heartbeat{}};
  cluster.node(1).receive({GroupId(), NodeId(2), NodeId(3), stray});
  cluster.node(1).receive({GroupId(7), NodeId(2), NodeId(1), ForwardReply{}});
  const Message forged{GroupId(), NodeId(3), NodeId(1), Term(1), Heartbeat{}};
  cluster.node(1).receive({GroupId(), NodeId(2), NodeId(1), forged});
  cluster.run();
  const NodeStatus status = cluster.node(1).status();
  EXPECT_EQ(status.rejected[static_cast<std::size_t>(RejectReason::not_for_us)], 2u);
  EXPECT_EQ(status.rejected[static_cast<std::size_t>(RejectReason::malformed)], 1u);
  EXPECT_EQ(cluster.node(1).recent_errors().size(), 3u);
}

}  // namespace
}  // namespace keel::test
