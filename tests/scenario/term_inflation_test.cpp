// Terms always go up. A node that is cut off times out again and again, and raises its term each time; when it comes
// back, its high term deposes a leader that nothing is wrong with. PreVote keeps the term from rising needlessly;
// CheckQuorum and stickiness keep a leader that works from being deposed, and make one that does not go. This is that
// story, with each of them on and off.
#include "support.hpp"

namespace keel::sim::test {
namespace {

class TermInflation : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, TermInflation, in_every_combination, name_of_combination);

class TermInflationOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, TermInflationOnLogs, in_every_combination_on_every_log, name_of_combination);

// Of five nodes one is alone for a hundred election timeouts. With PreVote it keeps its term and its vote, and comes
// back to the same leader in the same term. Without, the cluster meets again at a term not below the one it reached
// alone, after two changes of leader at most. Either way nothing is lost that was committed.
// mission: 1.2
// mission: 1.3
TEST_P(TermInflation, TheNodeThatWasAlone) {
  World world(nodes(5));
  world.elect(1);
  world.settle();
  const HardState before = world.raft(5).hard_state();
  world.network().isolate(5);
  world.run_for(100 * world.election_timeout());
  const HardState alone = world.raft(5).hard_state();
  EXPECT_EQ(alone == before, pre_vote());
  EXPECT_EQ(alone.term > Term(50), !pre_vote());
  const Submitted kept = world.submit(1, "x=1");
  ASSERT_TRUE(kept.ok());

  world.network().heal();
  world.run_for(5 * world.election_timeout());
  world.settle();
  EXPECT_GE(world.raft(1).term(), alone.term);
  if (pre_vote()) {
    EXPECT_EQ(world.leader_changes_since_heal(), 0u);
    EXPECT_EQ(world.leader(), NodeId(1));
    EXPECT_EQ(world.raft(1).term(), before.term);
  } else {
    EXPECT_GE(world.leader_changes_since_heal(), 1u);
    EXPECT_LE(world.leader_changes_since_heal(), 2u);
  }
  EXPECT_TRUE(kept.applied_everywhere());
  all_is_well(world);
}

// The term that is stored never goes back, whatever happens to who stores it. (A World also checks it at every write.)
// mission: 1.1
TEST_P(TermInflationOnLogs, TheStoredTermNeverGoesBack) {
  World world(nodes(3));
  Term highest;
  for (int round = 0; round < 10; ++round) {
    world.elect();
    world.crash(world.leader());
    world.elect();
    for (const NodeId id : world.all()) {
      world.crash(id);
      world.restart(id);
    }
    const Term term = std::max({world.raft(1).term(), world.raft(2).term(), world.raft(3).term()});
    EXPECT_GT(term, highest);
    highest = term;
  }
  all_is_well(world);
}

// PreVote compares the ends of logs by term first, then by index, as the election does, and writes nothing: node 1 has
// the longer log, of an older term, and is refused by node 2 without a trace. Without PreVote its attempt costs a term.
// mission: 1.4
TEST_P(TermInflationOnLogs, ALongOldLogIsRefusedWithoutATrace) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  for (const char* command : {"x=1", "x=2", "x=3"})
    world.submit_async(1, command);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.crash(3);
  power_cut(world, {1, 2});
  world.network().heal();
  world.fire_timer(1, Timer::election);
  world.run_until(node(1).in_term(world.raft(2).term()));  // it did not know that one before
  world.run_for(milliseconds(5));
  const HardState first = world.raft(1).hard_state();
  const HardState second = world.raft(2).hard_state();
  const std::uint64_t syncs = world.node(1).status().log.syncs + world.node(2).status().log.syncs;

  world.fire_timer(1, Timer::election);
  world.run_for(milliseconds(5));
  if (pre_vote()) {
    EXPECT_EQ(world.raft(1).hard_state(), first);
    EXPECT_EQ(world.raft(2).hard_state(), second);
    EXPECT_EQ(world.node(1).status().log.syncs + world.node(2).status().log.syncs, syncs);
  } else {
    EXPECT_EQ(world.raft(1).hard_state(), (HardState{first.term.next(), NodeId(1)}));
  }
  world.run_until(one_leader());
  EXPECT_EQ(world.leader(), NodeId(2));
  world.restart(3);
  all_is_well(world);
}

// A node that was never admitted cannot move the group's term: its rehearsal is refused, and so is its request for a
// real vote wherever voters stick to the leader they hear. Without stickiness they must listen, because their own
// configuration may be older than the candidate's; then one request does the damage.
// mission: 1.7
TEST_P(TermInflation, AStranger) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  const NodeId stranger(9);
  const LogPosition last{Term(99), Index(99)};
  say(world, stranger, 2, Term(100), VoteRequest{.pre_vote = true, .last = last});
  EXPECT_EQ(leader_changes_in(world, 5 * world.election_timeout()), 0u);
  EXPECT_EQ(world.raft(2).term(), Term(2));

  say(world, stranger, 2, Term(100), VoteRequest{.last = last});
  EXPECT_EQ(leader_changes_in(world, 5 * world.election_timeout()), check_quorum() ? 0u : 1u);
  EXPECT_EQ(world.raft(2).term() >= Term(100), !check_quorum());
  all_is_well(world);
}

// Whom the leader itself asks to take over may raise the term: by one.
// mission: 1.7
// hazard: H18
TEST_P(TermInflation, ATransferRaisesTheTermByOne) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  EXPECT_TRUE(world.transfer(1, 2));
  world.run_until(one_leader(), milliseconds(10));
  EXPECT_EQ(world.leader(), NodeId(2));
  EXPECT_EQ(world.raft(2).term(), Term(3));
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
