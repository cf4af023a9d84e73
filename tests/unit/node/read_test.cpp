#include "cluster.hpp"
#include "node/reads.hpp"

namespace keel::test {
namespace {

TEST(Read, AnyNodeServesALinearizableReadWithoutALogEntry) {  // scenario: R-01
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.submit(1, "x");
  cluster.run();
  const Index last = cluster.node(1).raft().log().last().index;
  for (std::uint64_t id : {1, 2, 3}) {
    const auto read = cluster.read(id);
    EXPECT_EQ(read->times, 0) << "not from inside the call";
    cluster.run();
    ASSERT_TRUE(read->ok()) << id << ": " << read->text();
    EXPECT_GE(read->result->value(), last);
    EXPECT_EQ(cluster.machine(id).commands(), std::vector<std::string>{"x"}) << id;
  }
  EXPECT_EQ(cluster.node(1).raft().log().last().index, last);
}

TEST(Read, WaitsUntilTheMachineHasCaughtUp) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.machine(2).manual = true;
  cluster.submit(1, "x");
  cluster.run();
  const auto read = cluster.read(2);
  cluster.executor.advance(300ms);
  EXPECT_EQ(read->times, 0);
  cluster.machine(2).answer();
  cluster.run();
  EXPECT_TRUE(read->ok()) << read->text();
}

TEST(Read, AnIsolatedExLeaderServesNone) {  // scenario: R-02
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  const auto read = cluster.read(1);
  cluster.executor.advance(3s);
  ASSERT_TRUE(read->code().has_value()) << read->text();
  EXPECT_TRUE(*read->code() == ErrorCode::no_leader || *read->code() == ErrorCode::leadership_lost);
}

TEST(Read, BeforeTheTermsFirstCommitItWaits) {  // scenario: R-03, hazard: H33
  TestCluster cluster(3);
  cluster.network.lose = is<AppendRequest>;
  cluster.node(1).expire(Timer::election);
  cluster.run();
  ASSERT_EQ(cluster.node(1).raft().role(), RoleName::leader);
  const auto read = cluster.read(1);
  cluster.executor.advance(300ms);
  EXPECT_EQ(read->times, 0);
  cluster.network.heal();
  cluster.executor.advance(300ms);
  EXPECT_TRUE(read->ok()) << read->text();
}

TEST(Read, WithoutALeaderItIsRefused) {
  TestCluster cluster(3);
  const auto read = cluster.read(1);
  const auto local = cluster.read(1, ReadLevel::local);
  cluster.run();
  EXPECT_EQ(read->code(), ErrorCode::no_leader);
  EXPECT_TRUE(local->ok()) << "a local read needs nobody";
}

TEST(Read, EndsAtItsDeadline) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  const auto read = cluster.read(1, ReadLevel::linearizable, cluster.executor.now() + 20ms);
  cluster.executor.advance(20ms);
  EXPECT_EQ(read->code(), ErrorCode::timed_out);
  EXPECT_EQ(cluster.node(1).status().reads_waiting, 0u);
}

TEST(Read, PastTheBoundIsOverloaded) {  // hazard: H40
  TestCluster cluster(3, [](NodeOptions& options) { options.max_waiting_reads = 2; });
  cluster.elect(1);
  const auto a = cluster.read(1);
  const auto b = cluster.read(1);
  const auto c = cluster.read(1);
  cluster.run();
  EXPECT_TRUE(a->ok() && b->ok());
  EXPECT_EQ(c->code(), ErrorCode::overloaded);
}

TEST(Read, AllOfATurnAreOneQuestion) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.log = true;
  std::vector<std::shared_ptr<Ended<Index>>> reads;
  for (int i = 0; i < 100; ++i)
    reads.push_back(cluster.read(2));
  cluster.run();
  for (const auto& read : reads)
    EXPECT_TRUE(read->ok()) << read->text();
  EXPECT_EQ(std::ranges::count_if(cluster.network.sent, is<ReadIndexRequest>), 1);
}

TEST(Read, AcrossATransferOfLeadershipItIsServedOrRefused) {  // scenario: R-05
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.submit(1, "x");
  cluster.run();
  const auto moved = cluster.transfer(1, 2);
  std::vector<std::shared_ptr<Ended<Index>>> reads;
  for (std::uint64_t id : {1, 2, 3})
    reads.push_back(cluster.read(id));
  cluster.executor.advance(300ms);
  EXPECT_TRUE(moved->ok()) << moved->text();
  for (const auto& read : reads)
    EXPECT_EQ(read->times, 1);
}

TEST(Reads, DeadlinesOfManyGroupsLeakNothing) {
  Reads reads;
  Drain drain;
  int ended = 0;
  for (int i = 0; i < 1000; ++i) {
    for (int j = 0; j < 10; ++j) {
      reads.add([&](Result<Index>) { ++ended; }, Instant(std::chrono::milliseconds(1 + (i * 7919 + j) % 5000)));
    }
    const ReadId id = reads.ask();
    if (i % 3 == 0) reads.confirmed(id, Index(static_cast<std::uint64_t>(i)));
    if (i % 5 == 0) reads.refused(id, {ErrorCode::no_leader, ""}, drain);
  }
  reads.applied(Index(500), drain);
  reads.expire(Instant(std::chrono::milliseconds(2500)), drain);
  reads.applied(Index(1000), drain);
  reads.expire(Instant(std::chrono::seconds(6)), drain);
  drain.run();
  EXPECT_EQ(ended, 10000);
  EXPECT_EQ(reads.size(), 0u);
  EXPECT_EQ(reads.next_deadline(), std::nullopt);
  EXPECT_EQ(reads.groups(), 0u);
}

// A cluster that is cut off, or a machine that hangs, and callers that ask again and again with a deadline: what has
// timed out leaves nothing behind, whether Raft has answered it or not.
TEST(Reads, WhatHasTimedOutIsForgotten) {  // hazard: H57
  Reads reads;
  Drain drain;
  int ended = 0;
  const auto count = [&](Result<Index>) { ++ended; };
  reads.add(count, std::nullopt);
  reads.add(count, Instant(std::chrono::milliseconds(1)));
  const ReadId patient = reads.ask();
  for (int i = 1; i <= 50'000; ++i) {
    reads.add(count, Instant(std::chrono::milliseconds(i)));
    const ReadId id = reads.ask();
    if (i % 2 == 0) reads.confirmed(id, Index(1'000'000));
    reads.expire(Instant(std::chrono::milliseconds(i - 5)), drain);
    ASSERT_LE(reads.groups(), 10u);
  }
  reads.expire(Instant(std::chrono::hours(1)), drain);
  EXPECT_EQ(reads.groups(), 1u) << "one read waits on";
  reads.confirmed(patient, Index(7));
  reads.applied(Index(6), drain);
  drain.run();
  EXPECT_EQ(ended, 50'001);
  reads.applied(Index(7), drain);
  drain.run();
  EXPECT_EQ(ended, 50'002);
  EXPECT_EQ(reads.groups(), 0u);
}

}  // namespace
}  // namespace keel::test
