// What callers are told when something went wrong, and what becomes of their commands.
#include "support.hpp"

namespace keel::sim::test {
namespace {

class Outcomes : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Outcomes, in_every_combination, name_of_combination);

class OutcomesOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, OutcomesOnLogs, in_every_combination_on_every_log, name_of_combination);

// The state machine returns an error for a command: an answer like any other, the same everywhere, and nobody stops.
// scenario: C-09
TEST_P(Outcomes, TheMachineReturnsAnError) {
  World world(nodes(3));
  world.elect(1);
  const Submitted command = world.submit("!no such account");
  EXPECT_EQ(command.reply(), "ERR no such account");
  EXPECT_TRUE(command.applied_everywhere());
  EXPECT_EQ(world.count_of<MachineFailed>(), 0u);
  all_is_well(world);
}

// The state machine breaks on a follower, by throwing or by saying so. That node applies nothing any more and says so;
// it votes and keeps the log. The others go on. A restart, once the cause is mended, is the way back.
// scenario: C-10
TEST_P(Outcomes, AFollowersMachineBreaks) {
  for (const Breaks how : {Breaks::throws, Breaks::fails}) {
    World world(with_fragile_machines(nodes(3)));
    world.elect(1);
    world.settle();
    world.checks().expect(NodeId(3), Trouble::machine_fails);
    fragile(world, 3).breaks = how;
    const Submitted command = world.submit("x=1");
    world.run_until(node(3).has_entry(command.index()));
    world.run_for(world.election_timeout());
    EXPECT_EQ(world.events_of<MachineFailed>(3).size(), 1u);
    EXPECT_TRUE(world.node(3).status().failure.has_value());
    EXPECT_FALSE(command.applied(3));
    EXPECT_EQ(world.submit(3, "x=2").error(), ErrorCode::not_leader);
    EXPECT_TRUE(world.submit(1, "x=3").ok());
    EXPECT_EQ(world.leaderships(), 1u);

    power_cut(world, {3});
    EXPECT_TRUE(command.applied_everywhere());
    all_is_well(world);
  }
}

// It breaks on the leader: another leads at once, without a timeout. Whoever waited is told that nobody knows.
// scenario: C-10
TEST_P(Outcomes, TheLeadersMachineBreaks) {
  for (const Breaks how : {Breaks::throws, Breaks::fails}) {
    World world(with_fragile_machines(nodes(3)));
    world.elect(1);
    world.settle();
    world.checks().expect(NodeId(1), Trouble::machine_fails);
    fragile(world, 1).breaks = how;
    const Submitted command = world.submit(1, "x=1");
    EXPECT_EQ(command.outcome(), Outcome::unknown);
    world.run_until(node(2).is_ready() || node(3).is_ready(), milliseconds(20));
    EXPECT_TRUE(command.applied(world.leader()));
    EXPECT_TRUE(world.submit("x=2").ok());

    power_cut(world, {1});
    EXPECT_TRUE(command.applied_everywhere());
    all_is_well(world);
  }
}

// An ex-leader's uncommitted entries are overwritten by others at the same indexes. Until one of those is committed
// nobody can say what becomes of its commands; then they are discarded.
// scenario: C-16
// hazard: H57
TEST_P(OutcomesOnLogs, OverwrittenCommandsAreDiscarded) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.network().isolate(1);
  const Submitted patient = world.submit_async(1, "x=patient");
  const Submitted hasty = world.submit_async(1, "x=hasty", {.deadline = world.clock(1).now() + milliseconds(300)});
  world.run_until(node(2).is_ready() || node(3).is_ready());
  const Submitted other = world.submit("x=other");
  EXPECT_EQ(hasty.error(), ErrorCode::timed_out);
  EXPECT_EQ(hasty.outcome(), Outcome::unknown);
  EXPECT_FALSE(patient.answered());

  world.network().heal();
  world.settle();
  EXPECT_EQ(patient.error(), ErrorCode::discarded);
  EXPECT_EQ(patient.outcome(), Outcome::discarded);
  EXPECT_GE(other.index(), patient.index());
  EXPECT_EQ(world.read(1, "x"), "other");
  all_is_well(world);
}

// Being cut from one log proves nothing. Leader 1 puts an entry on itself and on node 2. Node 3 wins the next term with
// 4 and 5, overwrites the entry on node 1, and dies. Node 2 wins the term after that with 4 and 5, and commits the old
// entry: nobody was told that it was discarded.
// scenario: C-16b
TEST_P(OutcomesOnLogs, ATruncatedEntryComesBack) {
  World world(nodes(5));
  world.elect(1);
  world.settle();
  world.network().split({{1, 2}, {3, 4, 5}});
  const Submitted command = world.submit_async(1, "x=1");
  world.run_until(node(2).has_entry(command.index()));
  power_cut(world, {2, 3, 4, 5});

  world.drop(appends().from(3) && !appends().to(1));
  world.fire_timer(3, Timer::election);
  world.run_until(node(3).is_leader(), milliseconds(20));
  world.network().restore(3, 1);
  world.network().restore(1, 3);
  world.run_until(Condition("node 1 has lost the entry", [&](const sim::World&) {
    return world.raft(1).log().term_at(command.index()) == world.raft(3).term();
  }));
  world.run_for(milliseconds(10));
  EXPECT_FALSE(command.answered());
  world.crash(3);

  world.network().heal();
  power_cut(world, {4, 5});
  world.elect(2);
  EXPECT_TRUE(command.applied_everywhere());
  EXPECT_EQ(command.reply(), "OK");
  world.restart(3);
  all_is_well(world);
}

// A command times out, and commits afterwards: applied once, told once.
// scenario: C-17
// mission: 5
TEST_P(OutcomesOnLogs, ATimedOutCommandCommits) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(append_replies());
  const Submitted command = world.submit_async(1, "x+=1", {.deadline = world.clock(1).now() + milliseconds(100)});
  world.run_until(command.is_answered());
  EXPECT_EQ(command.error(), ErrorCode::timed_out);
  EXPECT_EQ(command.outcome(), Outcome::unknown);
  world.release();
  EXPECT_TRUE(command.applied_everywhere());
  EXPECT_EQ(world.read(1, "x"), "1");
  all_is_well(world);
}

// A follower passes a command on, and the network repeats the request: appended once. When request or reply is lost the
// caller is told that nobody knows, after its patience is over.
// hazard: H59
TEST_P(Outcomes, AForwardedCommandIsAppendedOnce) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  const RuleId repeated = world.network().duplicate(Messages::any(), 2);
  EXPECT_EQ(world.submit(2, "x+=1").reply(), "1");
  world.network().remove(repeated);

  world.drop(Messages::of<ForwardReply>());
  EXPECT_EQ(world.submit(2, "x+=1").reply(), "2") << "the log itself tells what became of it";
  world.drop(Messages::of<ForwardRequest>());
  const Submitted lost = world.submit(2, "x+=1");
  EXPECT_EQ(lost.error(), ErrorCode::timed_out);
  EXPECT_EQ(lost.outcome(), Outcome::unknown);
  EXPECT_EQ(world.read(2, "x"), "11");
  all_is_well(world);
}

// Whoever waits is answered: at a change of leader, at a stop.
// hazard: H57
TEST_P(Outcomes, EverybodyWhoWaitsIsAnswered) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(append_replies());
  world.hold(heartbeat_replies());
  const Submitted command = world.submit_async(1, "x=1");
  const Submitted passed_on = world.submit_async(2, "x=2");
  const Asked read = world.read_async(1, "x");
  const Asked far_read = world.read_async(2, "x");
  world.run_for(milliseconds(5));
  EXPECT_FALSE(command.answered() || passed_on.answered() || read.answered() || far_read.answered());

  world.node(1).stop();
  EXPECT_EQ(command.error(), ErrorCode::leadership_lost);
  EXPECT_EQ(command.outcome(), Outcome::unknown);
  EXPECT_EQ(read.error(), ErrorCode::stopping);
  world.stop(1);
  world.release();
  world.run_until(passed_on.is_answered() && far_read.is_answered());
  EXPECT_FALSE(far_read.ok());
  world.settle();
  world.restart(1);
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
