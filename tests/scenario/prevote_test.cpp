#include "support.hpp"

namespace keel::sim::test {
namespace {

class PreVoting : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, PreVoting, in_every_combination, name_of_combination);

class Rehearsal : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Rehearsal, with_pre_vote, name_of_combination);

// Pre-votes precede votes: the term rises, and anything is written, only after the pre-vote is won.
// scenario: PV-01
// mission: 1.4
TEST_P(Rehearsal, NothingIsWrittenBeforeItIsWon) {
  World world(nodes(3));
  world.hold(Messages::any());
  const HardState untouched{Term(1), nobody};
  const auto syncs = [&world] { return world.node(1).status().log.syncs + world.node(2).status().log.syncs; };
  const std::uint64_t before = syncs();
  world.fire_timer(1, Timer::election);
  world.run_for(milliseconds(10));
  EXPECT_EQ(world.network().count_held(pre_vote_requests().from(1).term(Term(2))), 2u);
  EXPECT_EQ(world.raft(1).hard_state(), untouched);

  world.deliver_one(pre_vote_requests().from(1).to(2));
  world.run_for(milliseconds(10));
  EXPECT_EQ(world.raft(2).hard_state(), untouched);
  EXPECT_EQ(syncs(), before);
  EXPECT_EQ(world.network().count_held(vote_requests()), 0u);

  world.deliver_one(pre_vote_replies().from(2).to(1).accepted());
  EXPECT_EQ(world.raft(1).hard_state(), (HardState{Term(2), NodeId(1)}));
  world.run_until(is_held(vote_requests().from(1).term(Term(2)), 2));
  all_is_well(world);
}

// A node that campaigns in a healthy cluster gets no pre-vote, and nothing changes. Without PreVote its term has risen
// when it finds that out, and costs the cluster its leader: at once, or, where voters stick to a leader they hear, as
// soon as that leader learns of the higher term.
// scenario: PV-02
// hazard: H15
TEST_P(PreVoting, NobodyIsDisturbedByALoneCampaign) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.fire_timer(3, Timer::election);
  EXPECT_EQ(leader_changes_in(world, 5 * world.election_timeout()), pre_vote() ? 0u : 1u);
  EXPECT_EQ(world.raft(world.leader()).term() > Term(2), !pre_vote());
  all_is_well(world);
}

// A candidate with an outdated log is refused at the rehearsal already, and no term moves.
// scenario: PV-03
TEST_P(PreVoting, AnOutdatedLogIsRefused) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(3);
  world.submit("x=1");
  world.crash(1);
  power_cut(world, {2});
  world.network().heal();
  world.fire_timer(3, Timer::election);
  world.run_for(milliseconds(10));
  EXPECT_FALSE(world.holds(node(3).is_leader()));
  EXPECT_EQ(world.raft(2).term(), pre_vote() ? Term(2) : Term(3));
  EXPECT_EQ(world.raft(3).term(), pre_vote() ? Term(2) : Term(3));
  world.restart(1);
  all_is_well(world);
}

// An old leader comes back with an old term, and campaigns: both others refuse, and tell it their term.
// scenario: PV-04
TEST_P(PreVoting, AnOldLeaderIsRefused) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  const NodeId leader = world.leader();
  const Term term = world.raft(leader).term();
  power_cut(world, {1});
  world.hold(Messages::any());
  world.network().heal();

  world.fire_timer(1, Timer::election);
  world.deliver_one(Messages::of<VoteRequest>().from(1).to(2));
  world.deliver_one(Messages::of<VoteRequest>().from(1).to(3));
  world.run_until(is_held(Messages::of<VoteReply>().to(1).refused(), 2));
  world.deliver_one(Messages::of<VoteReply>().to(1));
  EXPECT_EQ(world.raft(1).term(), term);
  EXPECT_EQ(world.leader(), leader);
  all_is_well(world);
}

// Node 3 is behind in term but not in log: its first try tells it the term, its second wins.
// scenario: PV-05
// hazard: H15
TEST_P(PreVoting, ANodeBehindInTermCanStillWin) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  power_cut(world, {1, 2});
  world.drop(vote_replies());
  for (int failed_election = 0; failed_election < 3; ++failed_election) {
    world.fire_timer(2, Timer::election);
    world.run_for(milliseconds(10));
  }
  world.crash(2);
  world.release();
  world.network().heal();
  ASSERT_EQ(world.raft(1).term(), Term(5));
  ASSERT_EQ(world.raft(3).term(), Term(2));

  world.fire_timer(3, Timer::election);
  world.run_until(node(3).in_term(Term(5)), milliseconds(10));
  world.fire_timer(3, Timer::election);
  world.run_until(node(3).is_ready(), milliseconds(20));
  EXPECT_EQ(world.raft(3).term(), Term(6));
  world.restart(2);
  all_is_well(world);
}

// Two rehearse at once, and both may win that; the election has one winner.
// scenario: PV-06
TEST_P(PreVoting, TwoAtOnceAndOneWins) {
  World world(nodes(3));
  world.fire_timer(1, Timer::election);
  world.fire_timer(2, Timer::election);
  world.run_until(one_leader(), world.election_timeout());
  EXPECT_EQ(world.leaderships(), 1u);
  all_is_well(world);
}

// A yes to the rehearsal that comes late does not count in the election.
// scenario: PV-06
// hazard: H13
TEST_P(Rehearsal, ALateYesDoesNotCountInTheElection) {
  World world(nodes(3));
  world.hold(Messages::any());
  world.fire_timer(1, Timer::election);
  world.deliver_one(pre_vote_requests().to(2));
  world.deliver_one(pre_vote_requests().to(3));
  world.deliver_one(pre_vote_replies().from(2));
  world.run_until(is_held(vote_requests().from(1), 2));
  world.deliver_one(pre_vote_replies().from(3).accepted());
  EXPECT_EQ(world.raft(1).role(), RoleName::candidate);
  EXPECT_EQ(world.events_of<MessageRejected>(1).size(), 1u);
  vote(world, 3, 1);
  EXPECT_EQ(world.raft(1).role(), RoleName::leader);
  all_is_well(world);
}

// A candidate concedes to one of a higher term while its vote for itself is still being written. When that write is
// done it changes nothing.
// scenario: PV-06
// hazard: H13
TEST_P(PreVoting, ALateVoteForOneselfDoesNotCountAfterConceding) {
  WorldOptions options = nodes(3);
  options.sync_latency = milliseconds(50);
  World world(options);
  world.hold(Messages::any());
  campaign(world, 3, 2);
  campaign(world, 3, 2);
  world.run_until(is_held(vote_requests().from(3).to(1).term(Term(3))));
  campaign(world, 1, 2);
  world.run_for(milliseconds(20));
  world.deliver_one(vote_requests().from(3).to(1).term(Term(3)));
  world.run_until(is_held(vote_replies().from(1).to(3).accepted()));
  EXPECT_EQ(world.raft(1).role(), RoleName::follower);
  EXPECT_EQ(world.raft(1).hard_state(), (HardState{Term(3), NodeId(3)}));
  world.deliver_one(vote_replies().from(1).to(3));
  EXPECT_EQ(world.raft(3).role(), RoleName::leader);
  all_is_well(world);
}

// Nodes 2, 3 and 4 do not hear the leader any more; it hears them, and node 5 hears it. They replace it.
// scenario: PV-07
TEST_P(PreVoting, AQuorumThatLostItsLeaderReplacesIt) {
  World world(nodes(5));
  world.elect(1);
  world.settle();
  for (const std::uint64_t deaf : {2, 3, 4})
    world.network().cut(1, deaf);
  world.run_until(!node(1).is_leader(), 4 * world.election_timeout());
  world.run_until(one_leader());
  EXPECT_NE(world.leader(), NodeId(1));
  EXPECT_NE(world.leader(), NodeId(5));
  all_is_well(world);
}

// PreVote and CheckQuorum are switched on node by node. In each mixture a node that was away comes back, perhaps with a
// higher term, and the cluster neither loses its leader for long nor leaves anybody behind.
// hazard: H16
TEST(RollingUpgrade, PreVoteAndCheckQuorumComeNodeByNode) {
  World world({.nodes = 3, .pre_vote = false, .check_quorum = false, .log = LogKind::memory});
  for (const NodeId upgraded : world.all()) {
    RaftOptions& options = world.options(upgraded).raft;
    options.pre_vote = options.check_quorum = options.stickiness = true;
    power_cut(world, {upgraded});
    for (const NodeId away : world.all()) {
      world.settle();
      world.network().isolate(away);
      world.run_for(5 * world.election_timeout());
      world.network().heal();
      world.run_until(one_leader(), 5 * world.election_timeout());
      EXPECT_LE(world.leader_changes_since_heal(), 2u);
    }
  }
  all_is_well(world);
}

// Node 2 rehearses without end, because it hears nobody's yes. Saying yes does not keep node 3 from campaigning itself.
// hazard: H17
TEST_P(Rehearsal, SayingYesDoesNotPutOffOnesOwnCampaign) {
  World world(nodes(3));
  world.crash(1);
  world.network().cut(3, 2);
  for (int round = 0; round < 5; ++round) {
    world.fire_timer(2, Timer::election);
    world.run_for(world.election_timeout() / 2);
  }
  EXPECT_FALSE(world.events_of<CampaignStarted>(3).empty());
  world.restart(1);
  all_is_well(world);
}

// The leader restarts, and campaigns while node 2, the only other one that lives, believes that it still leads. It is
// not refused for the sake of itself.
// hazard: H17
TEST_P(PreVoting, TheLeaderIsNotRefusedForItsOwnSake) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.crash(3);
  power_cut(world, {1});
  ASSERT_TRUE(world.holds(node(2).follows(1)));
  world.fire_timer(1, Timer::election);
  world.run_until(node(1).is_ready(), milliseconds(20));
  world.restart(3);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
