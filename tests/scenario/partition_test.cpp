#include "support.hpp"

namespace keel::sim::test {
namespace {

class Partition : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Partition, in_every_combination, name_of_combination);

class PartitionOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, PartitionOnLogs, in_every_combination_on_every_log, name_of_combination);

// Five nodes, two cut off from the leader: the majority commits, the minority does not and says so. After healing each
// catches up. What the two did to their terms meanwhile costs two changes of leader at most, with PreVote none.
// scenario: P-01
TEST_P(PartitionOnLogs, AMajorityGoesOn) {
  World world(nodes(5));
  world.elect(1);
  world.network().split({{1, 2, 3}, {4, 5}});
  const Submitted kept = world.submit(1, "x=1");
  world.run_for(3 * world.election_timeout());
  EXPECT_EQ(world.leader(), NodeId(1));
  EXPECT_FALSE(kept.applied(4) || kept.applied(5));
  EXPECT_EQ(world.submit(4, "x=2").error(), ErrorCode::no_leader);

  world.network().heal();
  world.settle();
  EXPECT_LE(world.leader_changes_since_heal(), pre_vote() ? 0u : 2u);
  EXPECT_TRUE(kept.applied_everywhere());
  all_is_well(world);
}

// The leader is cut off. The others elect another, which commits. When the old one comes back it is refused, steps down
// if it has not done so, and the entries that it never committed go.
// scenario: P-02
TEST_P(PartitionOnLogs, AnOldLeadersUncommittedEntriesGo) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  const Submitted lost = world.submit_async(1, "x=lost");
  world.run_until(node(2).is_ready() || node(3).is_ready());
  const Submitted kept = world.submit("x=kept");

  world.network().heal();
  if (!check_quorum()) {  // it has not noticed anything: its heartbeat is answered with the higher term
    world.hold(heartbeat_replies().to(1));
    world.run_until(is_held(heartbeat_replies().to(1).term(kept.term())), milliseconds(200));
    EXPECT_EQ(world.raft(1).role(), RoleName::leader);
    world.release();
  }
  world.settle();
  EXPECT_EQ(world.events_of<SteppedDown>(1).front().reason,
            check_quorum() ? StepDownReason::lost_quorum : StepDownReason::higher_term);
  EXPECT_EQ(world.events_of<EntriesTruncated>(1).front().range, (IndexRange{Index(3), Index(3)}));
  EXPECT_EQ(lost.error(), ErrorCode::discarded);
  EXPECT_TRUE(kept.applied_everywhere());
  EXPECT_EQ(world.read(1, "x"), "kept");
  all_is_well(world);
}

// A leader that is cut off resigns by itself within an election timeout. Without CheckQuorum it never does: it goes on
// for ever, and commits nothing.
// scenario: P-03
// mission: 1.5
TEST_P(Partition, ACutOffLeaderResigns) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  const Submitted command = world.submit_async(1, "x=1");
  if (check_quorum()) {
    world.run_until(!node(1).is_leader(), world.election_timeout() + milliseconds(1));
    EXPECT_EQ(world.events_of<SteppedDown>(1).front().reason, StepDownReason::lost_quorum);
  } else {
    world.run_while(node(1).is_leader(), 20 * world.election_timeout());
  }
  EXPECT_FALSE(command.committed());
  all_is_well(world);
}

// Rounds of heartbeats are lost, and lost again: as long as one comes through in each election timeout nobody resigns,
// and nobody campaigns.
// scenario: P-03
// mission: 1.5
TEST_P(Partition, LostRoundsNeverMakeALeaderResign) {
  World world(quiet(nodes(3)));
  world.elect(1);
  world.drop(heartbeats().where([](const Heartbeat& beat) { return beat.round % 9 != 0; }));
  EXPECT_EQ(leader_changes_in(world, 200 * world.election_timeout()), 0u);
  EXPECT_EQ(world.raft(1).term(), Term(2));
  all_is_well(world);
}

// A follower is cut off for long. The leader still hears a majority, stays, and commits.
// scenario: P-04
TEST_P(Partition, AFollowerIsCutOffAndTheLeaderStays) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(3);
  EXPECT_EQ(leader_changes_in(world, 20 * world.election_timeout()), 0u);
  EXPECT_TRUE(world.submit(1, "x=1").ok());
  all_is_well(world);
}

// A and B cannot talk, C sees both; with every starting leader. Whoever leads stays: C tells the other that it hears a
// leader. With neither PreVote nor stickiness C believes whoever comes with the higher term, and A and B depose one
// another until it happens to be C's turn.
// scenario: P-05
// hazard: H58
// mission: 1.6
TEST_P(Partition, ATriangleWithOneSideCut) {
  for (const std::uint64_t leader : {1, 2, 3}) {
    SCOPED_TRACE(leader);
    World world(quiet(nodes(3)));
    world.elect(leader);
    world.settle();
    world.network().cut_between(1, 2);
    const std::size_t changes = leader_changes_in(world, 50 * world.election_timeout());
    if (pre_vote() || check_quorum() || leader == 3) {
      EXPECT_EQ(changes, 0u);
      EXPECT_EQ(world.leader(), NodeId(leader));
    } else {
      EXPECT_GT(changes, 1u);
      EXPECT_EQ(world.leader(), NodeId(3));
    }
    EXPECT_TRUE(world.submit("x=1").ok());
    all_is_well(world);
  }
}

// Each of five nodes sees only its two neighbours: just enough for a leader, who is left alone likewise.
// scenario: P-05
// hazard: H58
// mission: 1.6
TEST_P(Partition, ARingOfFive) {
  for (const std::uint64_t leader : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(leader);
    World world(quiet(nodes(5)));
    world.elect(leader);
    world.settle();
    for (const std::uint64_t id : {1, 2, 3, 4, 5})
      world.network().cut_between(id, (id + 1) % 5 + 1);
    const std::size_t changes = leader_changes_in(world, 50 * world.election_timeout());
    if (pre_vote() || check_quorum()) {
      EXPECT_EQ(changes, 0u);
      EXPECT_TRUE(world.submit(leader, "x=1").ok());
    } else {
      EXPECT_GT(changes, 10u);
    }
    all_is_well(world);
  }
}

// The leader can send but not hear. With CheckQuorum it resigns, another takes over, and that is all. Without it
// everybody goes on hearing a leader that can commit nothing: this is what CheckQuorum is for.
// scenario: P-06
// hazard: H58
// mission: 1.6
TEST_P(Partition, ALeaderThatIsDeaf) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().cut(2, 1);
  world.network().cut(3, 1);
  const std::size_t changes = leader_changes_in(world, 50 * world.election_timeout());
  EXPECT_EQ(changes, check_quorum() ? 1u : 0u);
  const Submitted command = world.submit_async(world.leader(), "x=1");
  EXPECT_EQ(world.holds_within(command.is_answered(), 5 * world.election_timeout()), check_quorum());
  all_is_well(world);
}

// The leader can hear but not send: the others miss it, elect another, and it follows.
// scenario: P-06
// hazard: H58
TEST_P(Partition, ALeaderThatIsDumb) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().cut(1, 2);
  world.network().cut(1, 3);
  EXPECT_EQ(leader_changes_in(world, 50 * world.election_timeout()), 1u);
  EXPECT_TRUE(world.holds(one_leader()));
  EXPECT_NE(world.leader(), NodeId(1));
  all_is_well(world);
}

// A follower can send but not hear: it campaigns without end, and the others, who hear a leader, refuse. With neither
// PreVote nor stickiness they believe each of its terms.
// scenario: P-06
// hazard: H58
TEST_P(Partition, AFollowerThatIsDeaf) {
  World world(quiet(nodes(3)));
  world.elect(1);
  world.settle();
  world.network().cut(1, 3);
  world.network().cut(2, 3);
  const std::size_t changes = leader_changes_in(world, 50 * world.election_timeout());
  if (pre_vote() || check_quorum()) {
    EXPECT_EQ(changes, 0u);
  } else {
    EXPECT_GT(changes, 10u);
  }
  all_is_well(world);
}

// A follower hears everybody, and nobody hears it. It has no reason to campaign; it goes on applying, and the others are
// a majority without it.
// scenario: P-06
// hazard: H58
TEST_P(Partition, AFollowerThatIsDumb) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().cut(3, 1);
  world.network().cut(3, 2);
  EXPECT_EQ(leader_changes_in(world, 50 * world.election_timeout()), 0u);
  EXPECT_TRUE(world.submit(1, "x=1").applied_everywhere()) << "it hears, so it applies";
  all_is_well(world);
}

// The Cloudflare case: node 5 sees only node 4, and keeps campaigning. The leader stays, and with PreVote so does the
// term. With neither extension one leader after the other is deposed, until node 4 is the one.
// scenario: P-07
// hazard: H58
TEST_P(Partition, OneNodeSeesOnlyOneOther) {
  World world(quiet(nodes(5)));
  world.elect(1);
  world.settle();
  for (const std::uint64_t hidden : {1, 2, 3})
    world.network().cut_between(5, hidden);
  const std::size_t changes = leader_changes_in(world, 100 * world.election_timeout());
  if (pre_vote() || check_quorum()) {
    EXPECT_EQ(changes, 0u);
    EXPECT_EQ(world.leader(), NodeId(1));
  } else {
    EXPECT_GT(changes, 0u);
    EXPECT_EQ(world.leader(), NodeId(4));
  }
  EXPECT_EQ(world.raft(5).term() == Term(2), pre_vote());
  EXPECT_TRUE(world.submit("x=1").ok());
  all_is_well(world);
}

// Node 3, which runs without PreVote, was alone and comes back at a higher term. It cannot disturb the leader where
// voters stick to it, and would refuse everything the leader sends: but the leader learns its term from the refusal.
// scenario: P-08
// hazard: H16
TEST_P(Partition, AStuckCandidateIsFreed) {
  World world(nodes(3));
  world.options(3).raft.pre_vote = false;
  power_cut(world, {3});
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  world.run_until(node(3).in_term(Term(6)));

  world.network().heal();
  world.run_until(node(1).in_term(Term(6)), world.election_timeout());
  world.run_until(one_leader(), 4 * world.election_timeout());
  EXPECT_LE(world.leader_changes_since_heal(), 2u);
  all_is_well(world);
}

// A node comes back after a thousand timeouts alone.
// scenario: P-09
// mission: 1.3
TEST_P(Partition, AThousandTimeoutsAlone) {
  World world(quiet(nodes(3)));
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  EXPECT_EQ(leader_changes_in(world, 1000 * world.election_timeout()), 0u);
  EXPECT_EQ(world.raft(3).term() > Term(400), !pre_vote());
  const Submitted kept = world.submit("x=1");

  world.network().heal();
  world.settle();
  EXPECT_LE(world.leader_changes_since_heal(), pre_vote() ? 0u : 2u);
  EXPECT_GE(world.raft(world.leader()).term(), world.raft(3).term());
  EXPECT_TRUE(kept.applied_everywhere());
  all_is_well(world);
}

// The links of one node become slow: a round trip takes longer than an election timeout. If it led, CheckQuorum may take
// it for dead, once; then there is calm.
// mission: 1.6
TEST_P(Partition, OneSlowNode) {
  for (const std::uint64_t slow : {1, 3}) {
    SCOPED_TRACE(slow);
    World world(quiet(nodes(3)));
    world.elect(1);
    world.settle();
    const Link slow_link{.min_latency = milliseconds(600), .max_latency = milliseconds(600)};
    for (const NodeId other : world.all()) {
      world.network().set_link(slow, other, slow_link);
      world.network().set_link(other, slow, slow_link);
    }
    EXPECT_LE(leader_changes_in(world, 10 * world.election_timeout()), slow == 1 && check_quorum() ? 1u : 0u);
    EXPECT_EQ(leader_changes_in(world, 50 * world.election_timeout()), 0u);
    all_is_well(world);
  }
}

}  // namespace
}  // namespace keel::sim::test
