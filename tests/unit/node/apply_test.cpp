#include "cluster.hpp"

namespace keel::test {
namespace {

TEST(Apply, AMachinesErrorReplyIsAReplyLikeAnyOther) {  // scenario: C-09
  // FakeMachine's answer stands for one that says "ERR": what it *returns* is data, the same on every node.
  TestCluster cluster(3);
  cluster.elect(1);
  const auto command = cluster.submit(1, "ERR");
  const auto next = cluster.submit(1, "next");
  cluster.run();
  cluster.executor.advance(200ms);
  ASSERT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(command->result->value().reply, "ok ERR");
  EXPECT_TRUE(next->ok()) << next->text();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.node(id).status().state, NodeState::running);
}

TEST(Apply, AFollowerWhoseMachineThrowsStopsApplyingAndSaysSo) {  // scenario: C-10
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.machine(2).throw_on = "poison";
  const auto command = cluster.submit(1, "poison");
  cluster.run();
  EXPECT_TRUE(command->ok()) << "the others go on: " << command->text();
  cluster.executor.advance(200ms);
  EXPECT_EQ(cluster.observer(2).count("MachineFailed"), 1u);
  const NodeStatus status = cluster.node(2).status();
  EXPECT_EQ(status.state, NodeState::running) << "it still votes and keeps the log";
  ASSERT_TRUE(status.failure.has_value());
  EXPECT_NE(status.failure->message.find("cannot do poison"), std::string::npos);
  ASSERT_EQ(cluster.node(2).recent_errors().size(), 1u);

  const auto later = cluster.submit(1, "later");
  const auto refused = cluster.submit(2, "refused");
  const auto read = cluster.read(2);
  const auto local = cluster.read(2, ReadLevel::local);
  cluster.run();
  cluster.executor.advance(200ms);
  EXPECT_TRUE(later->ok()) << later->text();
  EXPECT_EQ(refused->code(), ErrorCode::not_leader);
  EXPECT_EQ(read->code(), ErrorCode::failed);
  EXPECT_EQ(local->code(), ErrorCode::failed);
  EXPECT_TRUE(cluster.machine(2).seen.empty());
  EXPECT_EQ(cluster.log(2).entries().size(), cluster.log(1).entries().size());
}

TEST(Apply, ALeaderWhoseMachineThrowsHandsOver) {  // scenario: C-10
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.machine(1).throw_on = "poison";
  const auto command = cluster.submit(1, "poison");
  const auto waiting = cluster.submit(1, "behind it");
  cluster.run();
  cluster.executor.advance(200ms);
  ASSERT_TRUE(command->code().has_value()) << command->text();
  EXPECT_EQ(outcome_of(*command->code()), Outcome::unknown);
  EXPECT_EQ(waiting->times, 1);
  EXPECT_NE(cluster.node(1).raft().role(), RoleName::leader);
  EXPECT_EQ(cluster.observer(1).count("TransferEnded"), 1u);
  const NodeId leader = cluster.node(2).raft().leader();
  ASSERT_NE(leader, nobody);
  const auto next = cluster.submit(leader.value(), "next");
  cluster.run();
  EXPECT_TRUE(next->ok()) << next->text();
  // It never leads again for long.
  cluster.executor.advance(10s);
  EXPECT_NE(cluster.node(1).raft().role(), RoleName::leader);
}

TEST(Apply, ALoneLeaderWithABrokenMachineStaysAndRefuses) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.machine(1).fail_on = "poison";
  const auto command = cluster.submit(1, "poison");
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::failed);
  const Term term = cluster.node(1).raft().term();
  cluster.executor.advance(60s);
  EXPECT_EQ(cluster.node(1).raft().term(), term) << "nothing to be gained by stepping down";
  const auto next = cluster.submit(1, "next");
  cluster.run();
  EXPECT_EQ(next->code(), ErrorCode::no_leader);
}

TEST(Apply, WrongNumberOfRepliesMeansABrokenMachine) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.machine(1).drop_a_reply = true;
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::failed);
  EXPECT_EQ(cluster.observer(1).count("MachineFailed"), 1u);
}

TEST(Apply, ASlowMachineHoldsUpNothingElse) {  // hazard: H54
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.machine(1).manual = true;
  const auto first = cluster.submit(1, "first");
  cluster.run();
  const auto second = cluster.submit(1, "second");
  const auto third = cluster.submit(1, "third");
  const Term term = cluster.node(1).raft().term();
  cluster.executor.advance(10s);  // ten election timeouts
  EXPECT_EQ(cluster.node(1).raft().role(), RoleName::leader);
  EXPECT_EQ(cluster.node(2).raft().term(), term);
  EXPECT_EQ(cluster.machine(1).waiting(), 1u) << "one batch is outstanding, no more";
  EXPECT_EQ(first->times, 0);
  cluster.machine(1).answer();
  cluster.run();
  EXPECT_TRUE(first->ok()) << first->text();
  EXPECT_EQ(cluster.machine(1).batches, (std::vector<std::size_t>{1, 2})) << "what waited is one batch";
  cluster.machine(1).answer();
  cluster.run();
  EXPECT_TRUE(second->ok() && third->ok());
}

TEST(Apply, ABacklogComesInBoundedBatchesOneATurn) {  // scenario: C-13
  TestCluster cluster(1, [](NodeOptions& options) {
    options.max_apply_entries = 10;
    options.max_apply_bytes = 100;
  });
  cluster.elect(1);
  for (int i = 0; i < 1000; ++i)
    cluster.submit(1, "x" + std::to_string(i));
  cluster.run();
  for (const std::size_t batch : cluster.machine(1).batches)
    EXPECT_LE(batch, 10u);
  EXPECT_EQ(cluster.machine(1).seen.size(), 1000u);
  // After a restart the same comes from the store.
  cluster.crash(1);
  cluster.start(1);
  cluster.elect(1);
  cluster.run();
  for (const std::size_t batch : cluster.machine(1).batches)
    EXPECT_LE(batch, 10u);
  const std::vector<std::string> again = cluster.machine(1).commands();
  ASSERT_EQ(again.size(), 1000u);
  for (std::size_t i = 0; i < again.size(); ++i)
    EXPECT_EQ(again[i], "x" + std::to_string(i));
}

TEST(Apply, ReplayStartsRightBehindWhatADurableMachineHolds) {  // mission: R7
  TestCluster cluster(1);
  cluster.elect(1);
  for (int i = 0; i < 10; ++i)
    cluster.submit(1, std::to_string(i));
  cluster.run();
  const Index fifth = cluster.machine(1).seen[4].index;
  cluster.crash(1);
  cluster.machine(1).applied_at_start = fifth;
  cluster.start(1);
  const auto local = cluster.read(1, ReadLevel::local);
  cluster.run();
  EXPECT_EQ(local->result->value(), fifth) << "what it holds can be read at once";
  cluster.elect(1);
  EXPECT_EQ(cluster.machine(1).commands(), (std::vector<std::string>{"5", "6", "7", "8", "9"}));
}

TEST(Apply, AMachineAheadOfItsLogIsRefusedAtStart) {  // hazard: H47
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.crash(1);
  cluster.machine(1).applied_at_start = Index(100);
  const auto started = cluster.try_start(1);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::invalid);
  EXPECT_NE(started.error().message.find("100"), std::string::npos) << started.error().message;
  EXPECT_FALSE(cluster.log(1).is_open()) << "the log is closed again";
}

TEST(Apply, UpToCountsEntriesThatAreNotTheMachines) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(cluster.machine(1).up_to, cluster.node(1).raft().log().last().index);
}

TEST(Apply, ACommittedEntryThatCannotBeReadBackStopsTheNode) {  // hazard: H49
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.submit(1, "x");
  cluster.run();
  cluster.crash(1);
  cluster.start(1);
  cluster.run();
  cluster.log(1).fail_reads = Error{ErrorCode::corrupt, "segment 7 at byte 12: checksum mismatch"};
  cluster.node(1).expire(Timer::election);
  cluster.run();
  const NodeStatus status = cluster.node(1).status();
  EXPECT_EQ(status.state, NodeState::failed);
  EXPECT_NE(status.failure->message.find("segment 7"), std::string::npos);
  EXPECT_TRUE(cluster.machine(1).seen.empty());
}

// A store may be the user's own: what it hands out is compared with what Raft knows, or a machine would apply another
// command, one twice or none, and nobody would ever know.
TEST(Apply, AStoreThatReturnsOtherEntriesEndsTheNodeAndNotTheProcess) {  // hazard: H49
  const std::vector<std::pair<std::string, std::function<void(std::vector<Entry>&)>>> table = {
      {"entry 2 of term 2 in the place of entry 1", [](auto& entries) { entries.erase(entries.begin()); }},
      {"entry 4 of term 2 in the place of entry 3", [](auto& entries) { entries.erase(entries.begin() + 2); }},
      {"entry 3 of term 2 in the place of entry 4",
       [](auto& entries) { entries.insert(entries.begin() + 2, entries[2]); }},
      {"entry 3 of term 1 in the place of entry 3", [](auto& entries) { entries[2].term = Term(1); }},
      {"entry 6 of term 3 in the place of entry 6",
       [](auto& entries) {
         entries.push_back(entries.back());
         ++entries.back().index;
       }},
      {"entries 1 to 5 and gave none", [](auto& entries) { entries.clear(); }},
  };
  for (const auto& [says, spoil] : table) {
    TestCluster cluster(1);
    cluster.elect(1);
    cluster.submit(1, "x");
    cluster.submit(1, "y");
    cluster.run();
    cluster.crash(1);
    cluster.start(1);
    cluster.run();
    cluster.log(1).spoil_read = spoil;
    cluster.node(1).expire(Timer::election);
    const auto local = cluster.read(1, ReadLevel::local);
    cluster.run();
    const NodeStatus status = cluster.node(1).status();
    ASSERT_EQ(status.state, NodeState::failed) << says;
    EXPECT_EQ(status.failure->code, ErrorCode::corrupt) << says;
    EXPECT_NE(status.failure->message.find(says), std::string::npos) << status.failure->message;
    EXPECT_TRUE(cluster.machine(1).seen.empty());
    EXPECT_EQ(cluster.observer(1).count("NodeFailed"), 1u);
  }
}

TEST(Apply, AMachineMaySubmitFromInsideApply) {
  TestCluster cluster(1);
  cluster.elect(1);
  std::vector<Command1> more;
  cluster.machine(1).in_apply = [&] {
    if (more.size() < 3) more.push_back(cluster.submit(1, "more"));
  };
  const auto first = cluster.submit(1, "first");
  cluster.run();
  EXPECT_TRUE(first->ok());
  ASSERT_EQ(more.size(), 3u);
  for (const auto& command : more)
    EXPECT_TRUE(command->ok()) << command->text();
}

}  // namespace
}  // namespace keel::test
