#include "support.hpp"

namespace keel::sim::test {
namespace {

class Time : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Time, in_every_combination, name_of_combination);

// In a healthy cluster heartbeats reach all, and nobody campaigns.
// scenario: T-01
TEST_P(Time, AHealthyClusterElectsOnce) {
  World world(quiet(nodes(5)));
  world.elect(1);
  EXPECT_EQ(leader_changes_in(world, 200 * world.election_timeout()), 0u);
  EXPECT_EQ(world.raft(1).term(), Term(2));
  for (const PeerStatus& peer : world.raft(1).status().peers)
    EXPECT_GT(peer.last_heard, world.clock(1).now() - 2 * world.raft(1).options().heartbeat_interval);
  all_is_well(world);
}

// A node whose heartbeats would be slower than its election timeout does not start.
// scenario: T-01
TEST_P(Time, HeartbeatsSlowerThanTheElectionTimeoutAreRefused) {
  World world(nodes(3));
  world.elect(1);
  world.crash(3);
  world.options(3).raft.heartbeat_interval = 2 * world.election_timeout();
  const auto started = world.try_restart(3);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::invalid);
  all_is_well(world);
}

// Node 3 alone has a timeout that is shorter than the leader's interval, and campaigns without end. With PreVote that
// disturbs nobody. Without, the others find no peace until it leads itself.
// scenario: T-01
TEST_P(Time, ANodeThatIsTooImpatient) {
  WorldOptions options = nodes(3);
  options.node.raft.heartbeat_interval = milliseconds(300);
  World world(options);
  world.options(3).raft.election_timeout = milliseconds(90);
  world.options(3).raft.heartbeat_interval = milliseconds(30);
  power_cut(world, {3});
  world.elect(1);
  const std::size_t changes = leader_changes_in(world, 100 * world.election_timeout());
  if (pre_vote()) {
    EXPECT_EQ(changes, 0u);
    EXPECT_EQ(world.leader(), NodeId(1));
  } else {
    EXPECT_GE(changes, 1u);
    EXPECT_EQ(world.leader(), NodeId(3));
  }
  all_is_well(world);
}

// A leader is stopped for ten seconds, by a debugger or a paused machine, and goes on as if nothing had been. Another
// leads meanwhile. What it is given at once it does not append any more if CheckQuorum lets it see that it heard nobody
// for so long; else it appends it, in vain. A read finds nothing old.
// scenario: T-02
TEST_P(Time, ALeaderIsStoppedForTenSeconds) {
  World world(nodes(3));
  world.elect(1);
  world.submit("x=before");
  world.settle();
  world.pause(1);
  world.run_for(seconds(10));
  EXPECT_EQ(world.leaderships(), 2u);
  const NodeId other = world.holds(node(2).is_ready()) ? NodeId(2) : NodeId(3);
  EXPECT_TRUE(world.submit(other, "x=meanwhile").ok());

  world.resume(1);
  const Submitted command = world.submit_async(1, "x=after", {.forward = false});
  const Asked read = world.read_async(1, "x");
  world.settle();
  EXPECT_EQ(command.outcome(), check_quorum() ? Outcome::not_appended : Outcome::discarded);
  EXPECT_TRUE(!read.ok() || read.value() == "meanwhile");
  EXPECT_EQ(world.leaderships(), 2u);
  EXPECT_EQ(world.read(1, "x"), "meanwhile");
  all_is_well(world);
}

// A follower is stopped for ten seconds. It wakes up long past its timeout, and campaigns before it looks at what has
// been waiting for it: with PreVote in vain.
// scenario: T-02
TEST_P(Time, AFollowerIsStoppedForTenSeconds) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.pause(3);
  world.run_for(seconds(10));
  EXPECT_EQ(world.leaderships(), 1u);
  world.resume(3);
  EXPECT_LE(leader_changes_in(world, 5 * world.election_timeout()), pre_vote() ? 0u : 2u);
  EXPECT_EQ(world.raft(1).term() == Term(2), pre_vote());
  all_is_well(world);
}

// Likewise a candidate, that of a partition which is over when it wakes up.
// scenario: T-02
TEST_P(Time, ACandidateIsStoppedForTenSeconds) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  world.run_until(node(3).is_candidate());
  world.checks().expect(NodeId(3), Trouble::storage_stalls);
  world.pause(3);
  world.network().heal();
  world.run_for(seconds(10));
  EXPECT_EQ(world.leaderships(), 1u);
  world.resume(3);
  EXPECT_LE(leader_changes_in(world, 5 * world.election_timeout()), pre_vote() ? 0u : 2u);
  all_is_well(world);
}

// A clock jumps ahead by ten seconds. A leader with CheckQuorum believes that it has heard nobody for so long, and
// resigns; a follower campaigns.
// scenario: T-02
TEST_P(Time, AClockJumps) {
  for (const std::uint64_t jumper : {1, 3}) {
    SCOPED_TRACE(jumper);
    World world(nodes(3));
    world.elect(1);
    world.settle();
    world.jump_clock(jumper, seconds(10));
    const bool harmless = jumper == 1 ? !check_quorum() : pre_vote();
    EXPECT_LE(leader_changes_in(world, 5 * world.election_timeout()), harmless ? 0u : 2u);
    all_is_well(world);
  }
}

// A leader's clock runs at half its speed, a follower's half as fast again: nobody notices.
TEST_P(Time, ClocksThatRunWrong) {
  World world(quiet(nodes(3)));
  world.elect(1);
  world.set_clock_rate(1, 500'000);
  world.set_clock_rate(3, 1'500'000);
  EXPECT_EQ(leader_changes_in(world, 100 * world.election_timeout()), 0u);
  all_is_well(world);
}

// A clock stands still: the leader's, and another takes over, or a follower's, and it follows on.
TEST_P(Time, AClockThatStandsStill) {
  for (const std::uint64_t stopped : {1, 3}) {
    SCOPED_TRACE(stopped);
    World world(nodes(3));
    world.elect(1);
    world.settle();
    world.set_clock_rate(stopped, 0);
    EXPECT_EQ(leader_changes_in(world, 20 * world.election_timeout()), stopped == 1 ? 1u : 0u);
    EXPECT_TRUE(world.holds(one_leader()));
    world.set_clock_rate(stopped, Clock::true_rate);
    all_is_well(world);
  }
}

// Only node 3 can win, and its clock runs at a tenth of its speed; node 2 campaigns all the time, in vain. That node 3
// adopts its terms must not put off its own campaign.
// hazard: H19
TEST_P(Time, ASlowClockCampaignsAtLast) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(2);
  const Submitted command = world.submit("x=1");
  world.run_until(node(3).has_entry(command.index()));
  world.crash(1);
  world.set_clock_rate(3, 100'000);
  world.network().heal();
  world.run_until(node(3).is_ready(), 25 * world.election_timeout());
  EXPECT_TRUE(command.applied_everywhere());
  world.restart(1);
  all_is_well(world);
}

// The state machine takes for ever over a command, on the leader: heartbeats go on, it stays the leader, and what
// follows is committed meanwhile.
// hazard: H54
TEST_P(Time, ASlowStateMachineStopsNoHeartbeat) {
  World world(with_fragile_machines(nodes(3)));
  world.elect(1);
  world.settle();
  fragile(world, 1).hold();
  const Submitted slow = world.submit_async(1, "x=1");
  const Submitted behind = world.submit_async(1, "x=2");
  EXPECT_EQ(leader_changes_in(world, 10 * world.election_timeout()), 0u);
  EXPECT_TRUE(behind.committed());
  EXPECT_TRUE(behind.applied(2) && behind.applied(3));
  EXPECT_FALSE(slow.answered() || behind.answered());
  fragile(world, 1).release();
  world.run_until(behind.is_answered());
  EXPECT_TRUE(slow.ok() && behind.ok());
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
