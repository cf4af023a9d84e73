#include "support.hpp"

namespace keel::sim::test {
namespace {

class Commands : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, Commands, in_every_combination, name_of_combination);

class CommandsOnLogs : public Scenario {};
INSTANTIATE_TEST_SUITE_P(With, CommandsOnLogs, in_every_combination_on_every_log, name_of_combination);

// The full path, message by message: appended, durable on a majority, committed, applied, answered; then the others.
// scenario: C-01
// mission: 21
TEST_P(CommandsOnLogs, TheFullPath) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.hold(append_replies());
  const Submitted command = world.submit_async(1, "x=1");
  EXPECT_EQ(command.position(), (LogPosition{Term(2), Index(3)}));
  world.run_until(node(1).has_entry(Index(3)) && node(2).has_entry(Index(3)) && node(3).has_entry(Index(3)));
  EXPECT_FALSE(command.committed()) << "durable everywhere, and nobody knows";

  world.deliver_one(append_replies().from(2).with(Index(3)));
  EXPECT_TRUE(command.committed());
  EXPECT_EQ(command.reply(), "OK");
  EXPECT_FALSE(command.applied(2));
  EXPECT_TRUE(command.applied_everywhere());
  all_is_well(world);
}

// A follower says who leads, or passes the command on; a candidate says that one should try again.
// scenario: C-01
// mission: R4
TEST_P(Commands, AFollowerRedirectsAndACandidateSaysRetry) {
  World world(nodes(3));
  EXPECT_EQ(world.submit(1, "x=0").error(), ErrorCode::no_leader);
  world.elect(1);
  world.settle();
  const Submitted redirected = world.submit_async(2, "x=1", {.forward = false});
  EXPECT_EQ(redirected.error(), ErrorCode::not_leader);
  EXPECT_EQ(redirected.outcome(), Outcome::not_appended);
  EXPECT_EQ(world.submit(2, "x=2").reply(), "OK");

  world.network().isolate(3);
  world.run_until(node(3).is_candidate());
  EXPECT_EQ(world.submit_async(3, "x=3").error(), ErrorCode::no_leader);
  EXPECT_EQ(world.read(2, "x"), "2");
  all_is_well(world);
}

// One of three is down: commands commit; it catches up when it is back. With two down nothing commits.
// scenario: C-01
TEST_P(CommandsOnLogs, OneFollowerIsDown) {
  World world(nodes(3));
  world.elect(1);
  world.crash(3);
  const Submitted first = world.submit("x=1");
  EXPECT_TRUE(first.ok());
  world.crash(2);
  const Submitted second = world.submit_async(1, "x=2");
  EXPECT_FALSE(world.holds_within(second.is_answered(), world.election_timeout() / 2));
  world.restart(3);
  EXPECT_TRUE(second.applied_everywhere());
  EXPECT_TRUE(first.applied(3));
  world.restart(2);
  all_is_well(world);
}

// Two lead at once, because the old leader's clock is slow and it is cut off. What it says is lost, or arrives long
// after; either way only the new leader's command counts, and the old one's is discarded.
// scenario: C-04
TEST_P(CommandsOnLogs, TwoLeadersAtOnce) {
  for (const bool late : {false, true}) {
    SCOPED_TRACE(late);
    World world(nodes(3));
    world.elect(1);
    world.settle();
    world.set_clock_rate(1, 10'000);
    if (late) world.hold(Messages::any().from(1));
    world.network().isolate(1);
    const Submitted old = world.submit_async(1, "x=old");
    world.run_until(node(2).is_ready() || node(3).is_ready());
    ASSERT_TRUE(world.holds(node(1).is_ready()));
    const Submitted chosen = world.submit("x=new");
    EXPECT_FALSE(old.answered());

    world.network().heal();
    world.set_clock_rate(1, Clock::true_rate);
    world.deliver_all(Messages::any().from(1));
    world.release();
    world.settle();
    EXPECT_EQ(old.error(), ErrorCode::discarded);
    EXPECT_TRUE(chosen.applied_everywhere());
    EXPECT_EQ(world.read(1, "x"), "new");
    all_is_well(world);
  }
}

// The ex-leader is back: what is sent to it goes to the new one.
// scenario: C-06
TEST_P(Commands, AReturningExLeaderRedirects) {
  World world(nodes(3));
  world.elect(1);
  world.network().isolate(1);
  world.run_until(node(2).is_ready() || node(3).is_ready());
  world.network().heal();
  world.settle();
  if (world.leader() == NodeId(1)) world.elect(2);
  EXPECT_EQ(world.submit_async(1, "x=1", {.forward = false}).error(), ErrorCode::not_leader);
  EXPECT_TRUE(world.submit(1, "x=1").applied_everywhere());
  all_is_well(world);
}

// Node 3 campaigns in a higher term when an append of the old one reaches it. It refuses, and the leader learns why.
// scenario: C-07
TEST_P(Commands, ACandidateRefusesAnOldLeadersAppend) {
  World world(nodes(3));
  world.options(3).raft.pre_vote = false;
  power_cut(world, {3});
  world.elect(1);
  world.settle();
  world.network().isolate(3);
  world.fire_timer(3, Timer::election);
  world.run_for(milliseconds(1));
  world.hold(appends().to(3));
  world.hold(Messages::any().from(3));
  world.network().heal();
  const Submitted command = world.submit_async(1, "x=1");
  world.deliver_one(appends().from(1).to(3).term(Term(2)));
  world.run_until(is_held(append_replies().from(3).refused().term(Term(3))));
  EXPECT_EQ(world.raft(3).role(), RoleName::candidate);
  EXPECT_EQ(world.raft(3).log().last().index, Index(2));
  world.release();
  EXPECT_TRUE(command.applied_everywhere());
  all_is_well(world);
}

// Every broadcast of an entry is lost, of a command's or of the term-start entry: what follows anyway, heartbeats alone,
// finds that out and brings it.
// scenario: C-19
// hazard: H10
TEST_P(Commands, ALostBroadcastIsMadeUpFor) {
  World world(nodes(3));
  world.drop(appends().with(Index(2)).first(2));
  world.elect(1);
  EXPECT_EQ(world.network().counters().lost_by(Loss::script), 2u);
  world.settle();
  world.drop(appends().with(Index(3)).first(2));
  const Submitted command = world.submit_async(1, "x=1");
  world.run_until(command.is_answered(), world.election_timeout());
  EXPECT_EQ(world.network().counters().lost_by(Loss::script), 4u);
  EXPECT_TRUE(command.applied_everywhere());
  all_is_well(world);
}

// A follower that was away during many commands, cut off or down, catches up in batches of a bounded size: from the
// leader's memory, or, when the leader keeps little there, from its log.
// scenario: C-13
TEST_P(CommandsOnLogs, AFollowerCatchesUpInBatches) {
  for (const std::size_t cache : {std::size_t{64} << 20, std::size_t{1}}) {
    for (const bool was_down : {false, true}) {
      WorldOptions options = nodes(3);
      options.node.raft.max_append_entries = 16;
      options.node.raft.log_cache_bytes = cache;
      Count batches(appends().to(3).with_entries());
      Count too_large(appends().where([](const AppendRequest& append) { return append.entries.size() > 16; }));
      World world(options);
      world.add_sink(batches);
      world.add_sink(too_large);
      world.elect(1);
      world.network().isolate(3);
      if (was_down) world.crash(3);
      for (int i = 0; i < 300; ++i)
        world.submit_async(1, "x+=.");
      world.run_for(milliseconds(100));
      batches.restart();

      world.network().heal();
      world.restart(3);
      world.settle();
      EXPECT_GE(batches.sent(), 300 / 16u);
      EXPECT_EQ(too_large.sent(), 0u);
      EXPECT_EQ(world.read(3, "x").size(), 300u);
      all_is_well(world);
    }
  }
}

// A leader that cannot commit takes so many commands, or so many bytes, and not one more; those that it took are
// applied once it can.
// scenario: C-20
// hazard: H52
TEST_P(Commands, ALeaderThatCannotCommitRefuses) {
  WorldOptions options = nodes(3);
  options.node.max_waiting_commands = 100;
  options.node.raft.max_uncommitted_bytes = 50'000;
  World world(options);
  world.elect(1);
  world.settle();
  world.hold(append_replies());
  for (int i = 0; i < 5000; ++i)
    world.submit_async(1, "x+=.");
  EXPECT_EQ(world.submit_async(1, "x+=.").error(), ErrorCode::overloaded);
  EXPECT_EQ(world.raft(1).log().last().index, Index(102));
  world.release();
  world.settle();
  EXPECT_EQ(world.read(1, "x").size(), 100u);

  world.hold(append_replies());
  const std::string large = "y=" + std::string(20'000, 'y');
  const Submitted first = world.submit_async(1, large);
  const Submitted second = world.submit_async(1, large);
  const Submitted third = world.submit_async(1, large);
  EXPECT_EQ(third.error(), ErrorCode::overloaded);
  world.release();
  EXPECT_TRUE(first.applied_everywhere() && second.applied_everywhere());
  all_is_well(world);
}

// Entries of one byte, one megabyte, as large as allowed, and larger.
// scenario: C-21
TEST_P(CommandsOnLogs, EntriesOfAllSizes) {
  constexpr std::size_t limit = 2u << 20;
  constexpr std::size_t mark = 16;  // what a World puts before each command
  WorldOptions options = nodes(3);
  options.node.raft.max_entry_bytes = limit;
  World world(options);
  world.elect(1);
  EXPECT_EQ(world.submit("x").reply(), "");
  EXPECT_EQ(world.submit("x=" + std::string(1u << 20, 'a')).reply(), "OK");
  EXPECT_EQ(world.submit("y=" + std::string(limit - mark - 2, 'b')).reply(), "OK");
  const Submitted refused = world.submit("y=" + std::string(limit - mark - 1, 'c'));
  EXPECT_EQ(refused.error(), ErrorCode::too_large);
  EXPECT_EQ(refused.outcome(), Outcome::not_appended);
  world.settle();
  for (const NodeId id : world.all())
    EXPECT_EQ(world.read(id, "y"), std::string(limit - mark - 2, 'b'));
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
