#include "support.hpp"

namespace keel::sim::test {
namespace {

class Reads : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Reads, in_every_combination, name_of_combination);

class ReadsOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, ReadsOnLogs, in_every_combination_on_every_log, name_of_combination);

// A read on the leader or on a follower sees every write that was acknowledged before, and leaves nothing in the log.
// scenario: R-01
TEST_P(Reads, OnTheLeaderAndOnAFollower) {
  World world(nodes(3));
  world.elect(1);
  world.hold(heartbeats().to(3).commit(Index(3)));  // node 3 does not know of the commit
  const Submitted write = world.submit("x=1");
  EXPECT_EQ(world.read(1, "x"), "1");
  EXPECT_EQ(world.read(2, "x"), "1");
  const Asked read = world.read_async(3, "x");
  EXPECT_FALSE(world.holds_within(read.is_answered(), milliseconds(50))) << "it waits until it has applied that much";
  world.release();
  world.run_until(read.is_answered());
  EXPECT_EQ(read.value(), "1");
  EXPECT_EQ(world.raft(1).log().last().index, write.index());
  all_is_well(world);
}

// A read that asks for nothing gets what is there, old as it may be.
// scenario: R-01
TEST_P(Reads, ALocalReadMayBeOld) {
  World world(nodes(3));
  world.elect(1);
  world.submit("x=1");
  world.settle();
  world.network().isolate(3);
  world.submit("x=2");
  const Asked read = world.read_async(3, ReadLevel::local, value_of("x"));
  world.run_now();
  EXPECT_EQ(read.value(), "1");
  all_is_well(world);
}

// A leader that is cut off, and does not know that another leads, serves no linearizable read, not even when answers to
// its earlier heartbeats reach it late.
// scenario: R-02
// hazard: H34
TEST_P(Reads, AnIsolatedExLeaderServesNone) {
  World world(nodes(3));
  world.elect(1);
  world.submit("x=old");
  world.settle();
  world.hold(heartbeat_replies().to(1));
  world.fire_timer(1, Timer::heartbeat);
  world.run_until(is_held(heartbeat_replies().to(1), 2));
  world.network().isolate(1);
  world.set_clock_rate(1, 10'000);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.submit("x=new");

  ASSERT_TRUE(world.holds(node(1).is_ready()));
  const Asked read = world.read_async(1, "x");
  world.network().heal();
  world.network().cut(1, 2);
  world.network().cut(1, 3);
  world.deliver_all(heartbeat_replies().to(1).term(Term(2)));
  EXPECT_FALSE(read.answered());
  world.set_clock_rate(1, Clock::true_rate);
  world.release();
  world.run_until(read.is_answered());
  EXPECT_FALSE(read.ok());
  all_is_well(world);
}

// An ex-leader that is cut off ends a read by its deadline, if it has one.
// scenario: R-02
TEST_P(Reads, ADeadlineEndsAReadThatNobodyConfirms) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  const Asked read = world.read_async(1, ReadLevel::linearizable, value_of("x"), milliseconds(200));
  world.run_for(milliseconds(199));
  EXPECT_FALSE(read.answered());
  world.run_for(milliseconds(2));
  EXPECT_EQ(read.error(), ErrorCode::timed_out);
  all_is_well(world);
}

// A new leader does not know what is committed before an entry of its own term is: reads wait for that, its own and
// those of a follower. Node 2 holds the write, and has not heard that it is committed.
// scenario: R-03
// hazard: H33
TEST_P(ReadsOnLogs, ReadsWaitForTheTermsFirstCommit) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.drop(heartbeats().from(1).commit(Index(3)));
  EXPECT_TRUE(world.submit(1, "x=1").ok());
  world.crash(1);
  world.run_for(milliseconds(2));
  ASSERT_EQ(world.raft(2).commit(), Index(2));

  world.hold(append_replies());
  world.run_until(node(2).follows(3) || node(3).follows(2));
  const Asked read = world.read_async(2, "x");
  const Asked other = world.read_async(3, "x");
  EXPECT_FALSE(world.holds_within(read.is_answered() || other.is_answered(), milliseconds(300)));
  world.release();
  world.run_until(read.is_answered() && other.is_answered());
  EXPECT_EQ(read.value(), "1");
  EXPECT_EQ(other.value(), "1");
  world.restart(1);
  all_is_well(world);
}

// After a power cut of the whole cluster, too, a read sees what was acknowledged.
// scenario: R-03
// hazard: H9
TEST_P(ReadsOnLogs, AReadAfterAPowerCut) {
  World world(nodes(3));
  world.elect(1);
  EXPECT_TRUE(world.submit("x=1").ok());
  power_cut(world, {1, 2, 3});
  world.fire_timer(3, Timer::election);
  world.run_until(node(3).is_leader());
  EXPECT_EQ(world.read(3, "x"), "1");
  all_is_well(world);
}

// A read is confirmed by a majority: with five nodes one follower's word is not enough.
// hazard: H35
TEST_P(Reads, OneFollowerOfFourDoesNotConfirm) {
  World world(nodes(5));
  world.elect(1);
  world.submit("x=1");
  world.settle();
  world.hold(heartbeat_replies());
  const Asked read = world.read_async(1, "x");
  world.deliver_one(heartbeat_replies().from(2).to(1));
  EXPECT_FALSE(read.answered());
  world.deliver_one(heartbeat_replies().from(3).to(1));
  EXPECT_EQ(read.value(), "1");
  all_is_well(world);
}

// The same question arrives twice, and the answers to it twice: the second confirms nothing that was asked later.
// scenario: R-05
// hazard: H34
TEST_P(Reads, ARepeatedQuestion) {
  World world(nodes(3));
  world.elect(1);
  world.submit("x=1");
  world.settle();
  world.network().duplicate(Messages::of<ReadIndexRequest>() || Messages::of<ReadIndexReply>());
  const RuleId held = world.hold(Messages::of<ReadIndexReply>());
  const Asked first = world.read_async(2, "x");
  world.run_until(is_held(Messages::of<ReadIndexReply>(), 2));
  world.deliver_one(Messages::of<ReadIndexReply>());
  EXPECT_EQ(first.value(), "1");

  world.submit("x=2");
  const Asked second = world.read_async(2, "x");
  world.deliver_one(Messages::of<ReadIndexReply>());
  EXPECT_FALSE(second.answered()) << "that was the answer to the first, again";
  world.network().remove(held);
  world.release();
  world.run_until(second.is_answered());
  EXPECT_EQ(second.value(), "2");
  all_is_well(world);
}

// Reads while leadership is handed over, and across the change: each ends, with the right value or with the advice to
// ask again.
// scenario: R-05
// hazard: H40
TEST_P(Reads, AcrossAChangeOfLeader) {
  World world(nodes(3));
  world.elect(1);
  world.submit("x=1");
  world.settle();
  world.hold(Messages::of<TimeoutNow>());
  begin_transfer(world, 1, 2);
  EXPECT_EQ(world.read(1, "x"), "1") << "a leader that hands over still leads";

  world.hold(heartbeat_replies());
  const Asked on_old_leader = world.read_async(1, "x");
  const Asked on_follower = world.read_async(3, "x");
  world.deliver_one(Messages::of<TimeoutNow>());
  world.release();
  world.run_until(node(2).is_ready(), milliseconds(20));
  world.run_until(on_old_leader.is_answered() && on_follower.is_answered());
  EXPECT_TRUE(on_old_leader.ok() ? on_old_leader.value() == "1"
                                 : outcome_of(*on_old_leader.error()) == Outcome::not_appended ||
                                       on_old_leader.error() == ErrorCode::leadership_lost);
  EXPECT_TRUE(on_follower.answered());
  EXPECT_EQ(world.read(3, "x"), "1");
  all_is_well(world);
}

// Reads that wait are bounded, on the leader and on a follower; when leadership ends all of them are answered.
// hazard: H40
TEST_P(Reads, WaitingReadsAreBounded) {
  WorldOptions options = nodes(3);
  options.node.max_waiting_reads = 10;
  World world(options);
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  std::vector<Asked> reads;
  for (int i = 0; i < 10; ++i)
    reads.push_back(world.read_async(1, "x"));
  EXPECT_EQ(world.read_async(1, "x").error(), ErrorCode::overloaded);
  EXPECT_FALSE(reads.front().answered() || reads.back().answered());
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.network().heal();
  world.settle();
  for (const Asked& read : reads)
    EXPECT_TRUE(read.answered() && !read.ok());
  EXPECT_EQ(world.node(1).status().reads_waiting, 0u);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
