#include "support.hpp"

namespace keel::sim::test {
namespace {

class Election : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Election, in_every_combination, name_of_combination);

class ElectionOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, ElectionOnLogs, in_every_combination_on_every_log, name_of_combination);

// Two requests leave, the first yes is a majority; the new leader's first entry goes out, is acknowledged, committed,
// and known to be. The third node has not been heard of until then.
// scenario: E-01
TEST_P(ElectionOnLogs, HappyPathMessageByMessage) {
  World world(nodes(3));
  world.hold(Messages::any());
  campaign(world, 1, 2);
  world.run_until(is_held(vote_requests().from(1).term(Term(2)), 2));
  EXPECT_EQ(world.raft(1).role(), RoleName::candidate);

  vote(world, 2, 1);
  EXPECT_EQ(world.raft(1).role(), RoleName::leader);
  EXPECT_EQ(world.raft(1).log().last(), (LogPosition{Term(2), Index(2)}));

  world.deliver_one(appends().from(1).to(2).with(Index(2)));
  world.run_until(node(1).has_entry(Index(2)) && node(2).has_entry(Index(2)));
  EXPECT_EQ(world.raft(1).commit(), Index(0)) << "nobody has said yet that it is durable elsewhere";

  world.deliver_one(append_replies().from(2).with(Index(2)));
  EXPECT_EQ(world.raft(1).commit(), Index(2));
  world.run_until(node(1).is_ready(), milliseconds(1));
  EXPECT_EQ(world.raft(2).commit(), Index(0));

  world.deliver_one(heartbeats().from(1).to(2).commit(Index(2)));
  EXPECT_EQ(world.raft(2).commit(), Index(2));
  EXPECT_EQ(world.raft(3).term(), Term(1));
  all_is_well(world);
}

// With five nodes the followers learn of the commit with the next heartbeat, or at once with an eager notice.
// scenario: E-02
TEST_P(Election, FollowersCommitWithTheNextHeartbeat) {
  WorldOptions options = nodes(5);
  options.node.raft.eager_commit = false;
  World world(options);
  world.elect(1);
  EXPECT_FALSE(world.holds(node(2).committed(Index(2)) || node(5).committed(Index(2))));
  world.run_until(all_applied(Index(2)), options.node.raft.heartbeat_interval + milliseconds(1));
  all_is_well(world);
}

// With the eager notice they learn of it as soon as the leader does: no heartbeat is waited for.
// scenario: E-02
TEST_P(Election, FollowersCommitWithTheEagerNotice) {
  World world(nodes(5));
  world.elect(1);
  world.run_until(all_applied(Index(2)), milliseconds(2));
  all_is_well(world);
}

// The leader is made to step down; nobody is asked to take over, so a follower's timer starts the next election. Two,
// three, four and five nodes.
// scenario: E-03
TEST_P(Election, AFollowersTimerFindsTheNextLeader) {
  for (const std::size_t size : {2, 3, 4, 5}) {
    SCOPED_TRACE(size);
    World world(nodes(size));
    world.elect(1);
    world.drop(Messages::of<TimeoutNow>());
    world.step_down(1);
    EXPECT_EQ(world.leader(), nobody);
    EXPECT_EQ(world.events_of<SteppedDown>(1).front().reason, StepDownReason::asked);

    world.run_until(one_leader(), 4 * world.election_timeout());
    EXPECT_GT(world.raft(world.leader()).term(), Term(2));
    EXPECT_EQ(world.count_of<LeaderReady>(), 2u);
    all_is_well(world);
  }
}

// Left alone, a leader that steps down names its successor, and nobody waits for a timer.
// scenario: E-03
TEST_P(Election, ALeaderThatStepsDownHandsOver) {
  World world(nodes(3));
  world.elect(1);
  world.step_down(1);
  world.run_until(one_leader() && !node(1).is_leader(), milliseconds(10));
  all_is_well(world);
}

// All nodes campaign at once, each votes for itself. A refusal names whom the voter chose, so everybody sees at once
// that nobody can win, and the next round begins without waiting out the timeout.
// scenario: E-05
// mission: 1.9
TEST_P(Election, ASplitVoteIsRecognisedEarly) {
  for (const std::size_t size : {3, 5}) {
    SCOPED_TRACE(size);
    World world(nodes(size));
    for (const NodeId id : world.all())
      world.fire_timer(id, Timer::election);
    world.run_for(milliseconds(5));
    EXPECT_EQ(world.count_of<SplitVote>(), size);
    EXPECT_EQ(world.leader(), nobody);
    world.run_until(one_leader(), world.election_timeout());
    all_is_well(world);
  }
}

// Without that it takes a timeout, and its randomness, to find a leader.
// scenario: E-05
// mission: 1.9
TEST_P(Election, UnrecognisedASplitVoteCostsATimeout) {
  WorldOptions options = nodes(3);
  options.node.raft.split_vote_detection = false;
  World world(options);
  for (const NodeId id : world.all())
    world.fire_timer(id, Timer::election);
  EXPECT_FALSE(world.holds_within(one_leader(), world.election_timeout()));
  world.run_until(one_leader());
  EXPECT_EQ(world.count_of<SplitVote>(), 0u);
  all_is_well(world);
}

// Stopped at a chosen point: when a request is seen on the network the candidate's vote for itself is durable, and when
// a yes is seen the voter's is. A power cut at that moment shows it.
// scenario: E-06
// hazard: H12
TEST_P(ElectionOnLogs, AVoteIsDurableBeforeAnybodySeesIt) {
  WorldOptions options = nodes(3);
  options.sync_latency = milliseconds(50);
  World world(options);
  world.hold(Messages::any());
  campaign(world, 1, 2);
  EXPECT_EQ(world.network().count_held(vote_requests()), 0u) << "the disk takes longer than that";
  world.run_until(is_held(vote_requests().from(1), 2));
  power_cut(world, {1});
  EXPECT_EQ(world.raft(1).hard_state(), (HardState{Term(2), NodeId(1)}));

  world.deliver_one(vote_requests().from(1).to(2));
  EXPECT_EQ(world.network().count_held(vote_replies()), 0u);
  world.run_until(is_held(vote_replies().from(2).to(1).accepted()));
  power_cut(world, {2});
  EXPECT_EQ(world.raft(2).hard_state(), (HardState{Term(2), NodeId(1)}));
  all_is_well(world);
}

// A node was stopped; its timer, which comes later, does nothing.
// scenario: E-08
TEST_P(Election, AStoppedNodesTimerDoesNothing) {
  World world(nodes(3));
  world.elect(1);
  world.node(2).stop();
  world.forget_events();
  world.fire_timer(2, Timer::election);
  world.run_for(5 * world.election_timeout());
  EXPECT_EQ(world.node(2).status().state, NodeState::stopped);
  EXPECT_TRUE(world.events(2).empty());
  EXPECT_EQ(world.raft(2).term(), Term(2));
  EXPECT_EQ(world.leader(), NodeId(1));
  world.stop(2);
  all_is_well(world);
}

// One vote a term: a second candidate of the same term gets a no that names the first, also after the voter restarted.
// scenario: E-09
// hazard: H12
TEST_P(ElectionOnLogs, OneVoteATerm) {
  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted);
    World world(nodes(3));
    world.hold(Messages::any());
    campaign(world, 1, 2);
    campaign(world, 3, 2);
    world.deliver_one(vote_requests().from(1).to(2));
    world.run_until(is_held(vote_replies().from(2).to(1).accepted()));
    if (restarted) power_cut(world, {2});

    world.deliver_one(vote_requests().from(3).to(2));
    const Messages names_the_first =
        vote_replies().to(3).refused().where([](const VoteReply& reply) { return reply.voted_for == NodeId(1); });
    world.run_until(is_held(names_the_first));
    EXPECT_EQ(world.raft(2).hard_state(), (HardState{Term(2), NodeId(1)}));
    all_is_well(world);
  }
}

// A candidate of term 2 meets one of term 3 and resigns. A yes from term 2 that comes late counts for nothing.
// scenario: E-10
TEST_P(Election, ALateYesOfAnOldTermCountsForNothing) {
  World world(nodes(3));
  world.hold(Messages::any());
  campaign(world, 1, 2);
  campaign(world, 3, 2);
  world.run_until(is_held(vote_requests().from(3).term(Term(2))));
  campaign(world, 3, 2);
  world.deliver_one(vote_requests().from(1).to(2));
  world.run_until(is_held(vote_replies().from(2).to(1).accepted().term(Term(2))));

  world.deliver_one(vote_requests().from(3).to(1).term(Term(3)));
  EXPECT_EQ(world.raft(1).role(), RoleName::follower);
  EXPECT_EQ(world.raft(1).hard_state(), (HardState{Term(3), NodeId(3)}));
  world.deliver_one(vote_replies().from(2).to(1).accepted().term(Term(2)));
  EXPECT_EQ(world.raft(1).role(), RoleName::follower);

  world.deliver_one(vote_replies().from(1).to(3));
  EXPECT_EQ(world.raft(3).role(), RoleName::leader);
  EXPECT_FALSE(world.checks().leaders().contains(Term(2)));
  all_is_well(world);
}

// A candidate whose log lacks what is committed is refused. The other one wins.
// scenario: E-11
// hazard: H14
TEST_P(ElectionOnLogs, AnOutdatedLogDoesNotWin) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(3);
  const Submitted command = world.submit("x=1");
  world.crash(1);
  power_cut(world, {2});
  world.network().heal();

  const Messages refusal = Messages::of<VoteReply>().from(2).to(3).refused().where(
      [](const VoteReply& reply) { return reply.refusal == Refusal::log_behind; });
  world.hold(refusal);
  world.fire_timer(3, Timer::election);
  world.run_until(is_held(refusal), milliseconds(10));
  world.release();
  world.run_until(one_leader());
  EXPECT_EQ(world.leader(), NodeId(2));
  EXPECT_TRUE(command.applied_everywhere());
  world.restart(1);
  all_is_well(world);
}

// The first leader dies before its first entry reaches anyone. It comes back with that entry where everybody else has
// another one, and is repaired.
// scenario: E-12
TEST_P(ElectionOnLogs, ALonelyTermStartEntryIsReplaced) {
  World world(nodes(3));
  world.drop(appends().from(1));
  world.fire_timer(1, Timer::election);
  world.run_until(node(1).has_entry(Index(2)));
  world.crash(1);
  world.release();
  world.elect();
  world.restart(1);
  EXPECT_EQ(world.raft(1).log().last(), (LogPosition{Term(2), Index(2)}));

  world.settle();
  EXPECT_GT(world.raft(1).log().term_at(Index(2)), Term(2));
  ASSERT_EQ(world.events_of<EntriesTruncated>(1).size(), 1u);
  EXPECT_EQ(world.events_of<EntriesTruncated>(1).front().range, (IndexRange{Index(2), Index(2)}));
  all_is_well(world);
}

// In a cluster of two a majority is both, in one of four it is three.
// scenario: E-16
TEST_P(Election, MajoritiesOfTwoAndOfFour) {
  World two(nodes(2));
  two.crash(2);
  EXPECT_FALSE(two.holds_within(node(1).is_leader(), 5 * two.election_timeout()));
  two.restart(2);
  two.elect();
  all_is_well(two);

  World four(nodes(4));
  four.network().split({{1, 2}, {3, 4}});
  const Condition somebody_leads =
      node(1).is_leader() || node(2).is_leader() || node(3).is_leader() || node(4).is_leader();
  EXPECT_FALSE(four.holds_within(somebody_leads, 5 * four.election_timeout()));
  four.network().split({{1, 2, 3}, {4}});
  four.network().restore(1, 3);
  four.network().restore(3, 1);
  four.network().restore(2, 3);
  four.network().restore(3, 2);
  four.run_until(node(1).is_ready() || node(2).is_ready() || node(3).is_ready());
  EXPECT_TRUE(four.submit("x=1").ok());
  all_is_well(four);
}

// A cluster of one elects itself as soon as its vote is durable, and commits when its own write is.
// scenario: E-17
// hazard: H41
TEST_P(ElectionOnLogs, OneNodeCommitsOnlyWhatIsDurable) {
  WorldOptions options = nodes(1);
  options.sync_latency = milliseconds(50);
  World world(options);
  world.fire_timer(1, Timer::election);
  EXPECT_EQ(world.raft(1).role(), RoleName::candidate);
  world.run_until(node(1).is_leader(), milliseconds(102));  // a log on disk keeps votes twice

  const Submitted command = world.submit_async(1, "x=1");
  world.run_for(milliseconds(40));
  EXPECT_FALSE(command.committed());
  world.crash(1);
  EXPECT_TRUE(command.is_lost()) << "nobody was told that it is safe";
  world.restart(1);
  world.elect();
  EXPECT_TRUE(world.submit("x=2").ok());
  world.crash(1);
  world.restart(1);
  world.elect();
  EXPECT_EQ(world.read(1, "x"), "2");
  all_is_well(world);
}

// Node 1 has the longer log, of an older term; node 2 a shorter one of a newer term; node 3 is down. The newer wins.
// scenario: E-19
TEST_P(ElectionOnLogs, AShortNewLogBeatsALongOldOne) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  for (const char* command : {"a=1", "b=2", "c=3", "d=4", "e=5"})
    world.submit_async(1, command);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.crash(3);
  power_cut(world, {1, 2});
  world.network().heal();
  ASSERT_GT(world.raft(1).log().last().index, world.raft(2).log().last().index);
  ASSERT_LT(world.raft(1).log().last().term, world.raft(2).log().last().term);

  world.fire_timer(1, Timer::election);
  world.run_until(one_leader());
  EXPECT_EQ(world.leader(), NodeId(2));
  EXPECT_EQ(world.count_of<EntriesTruncated>(), 1u);
  world.restart(3);
  all_is_well(world);
}

// Five nodes, and each leads once: whoever it is takes commands, and in the end nothing is missing of what any of them
// took.
// scenario: E-20
TEST_P(Election, EveryNodeLeadsInTurn) {
  World world(nodes(5));
  for (const NodeId id : world.all()) {
    world.elect(id);
    EXPECT_TRUE(world.submit(id, "x+=" + std::to_string(id.value())).ok());
  }
  EXPECT_EQ(world.read(1, "x"), "12345");
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
