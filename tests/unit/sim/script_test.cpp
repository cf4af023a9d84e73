// What a script may do to a World, each by itself: docs/simulator.md has them in a table.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/sim/world.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Messages appends() { return Messages::of<AppendRequest>(); }
Messages heartbeats() { return Messages::of<Heartbeat>(); }

// The message of the failure that comes of it.
template <class F>
std::string failure_of(F call, const std::string& check) {
  try {
    call();
  } catch (const Failed& failed) {
    EXPECT_EQ(failed.check(), check);
    return failed.what();
  }
  ADD_FAILURE() << "nothing failed";
  return {};
}

// Told each message as it arrives.
class Arrivals final : public TraceSink {
 public:
  struct Seen {
    SimTime at;
    std::uint64_t id;
    Duration took;
  };
  explicit Arrivals(Messages which) : which_(std::move(which)) {}
  void on_trace(const TraceEvent& event) override {
    if (event.kind == TraceKind::sent && which_.matches(*event.message)) sent_[event.id] = event.at;
    if (event.kind != TraceKind::delivered || !sent_.contains(event.id)) return;
    seen.push_back({event.at, event.id, event.at - sent_[event.id]});
  }
  std::vector<Seen> seen;

 private:
  Messages which_;
  std::map<std::uint64_t, SimTime> sent_;
};

class Script : public testing::Test {
 protected:
  Script() { world.elect(1); }
  Arrivals arrivals{heartbeats().to(2)};  // before the world that it watches
  World world{{.seed = 5}};
};

// mission: 4t.a  Which messages.

TEST_F(Script, PicksMessagesByNodeIndexCountAndContent) {
  world.hold(appends());
  (void)world.submit_async(1, "x=needle");
  const Index last = world.raft(1).log().last().index;
  const auto count = [&](const Messages& which) { return world.network().count_held(which); };
  EXPECT_EQ(count(Messages::any().involving(1)), 2u);
  EXPECT_EQ(count(Messages::any().involving(2)), 1u);
  EXPECT_EQ(count(Messages::any().behind(last.previous())), 2u);
  EXPECT_EQ(count(Messages::any().behind(last)), 0u);
  EXPECT_EQ(count(Messages::any().with(last)), 2u);
  EXPECT_EQ(count(Messages::any().with_entries()), 2u);
  EXPECT_EQ(count(Messages::any().with_entries(2)), 0u);
  EXPECT_EQ(count(Messages::any().containing("needle")), 2u);
  EXPECT_EQ(count(Messages::any().containing("pin")), 0u);
  EXPECT_EQ(count(Messages::any().term_at_least(world.raft(1).term())), 2u);
  EXPECT_EQ(count(Messages::any().term_at_least(world.raft(1).term().next())), 0u);
  EXPECT_EQ(count(appends().nth(2)), 1u);
  EXPECT_EQ(count(appends().every(2)), 1u);
  EXPECT_EQ(count(appends().to(2) || appends().to(3)), 2u);
  EXPECT_EQ(count(appends() && !Messages::any().to(3)), 1u);
}

TEST_F(Script, PicksCommandsThatArePassedOn) {
  world.hold(Messages::of<ForwardRequest>());
  (void)world.submit_async(2, "x=needle");
  EXPECT_EQ(world.network().count_held(Messages::any().containing("needle")), 1u);
}

TEST_F(Script, AFollowingPatternBeginsWhenTheFirstWasSeen) {
  world.drop(appends().containing("first").then(appends().containing("second").to(2)));
  auto second = world.submit_async(1, "b=second");
  world.run_until(second.is_applied(2));
  (void)world.submit(1, "a=first");
  auto again = world.submit(1, "b=second");
  EXPECT_TRUE(again.ok());
  world.run_for(1ms);
  EXPECT_FALSE(again.applied(2)) << "its first sending was lost on the way to node 2";
}

// mission: 4t.a  What is done to them.

TEST_F(Script, HoldsAndReleases) {
  world.hold(appends().to(2));
  auto command = world.submit(1, "x=1");
  EXPECT_TRUE(command.ok());
  EXPECT_FALSE(command.applied(2));
  EXPECT_GE(world.network().count_held(appends()), 1u);
  world.release();
  world.run_until(command.is_applied(2));
}

TEST_F(Script, Drops) {
  const RuleId rule = world.drop(appends().to(2));
  auto command = world.submit(1, "x=1");
  world.run_for(500ms);
  EXPECT_FALSE(command.applied(2));
  EXPECT_GT(world.network().counters().lost_by(Loss::script), 0u);
  world.network().remove(rule);
  world.run_until(command.is_applied(2));
}

TEST_F(Script, Delays) {
  world.add_sink(arrivals);
  world.network().delay(heartbeats().to(2), 70ms);
  world.run_for(500ms);
  ASSERT_FALSE(arrivals.seen.empty());
  for (const auto& arrival : arrivals.seen)
    EXPECT_GE(arrival.took, 70ms);
}

TEST_F(Script, Duplicates) {
  world.add_sink(arrivals);
  world.network().duplicate(heartbeats().to(2).first(1), 2);
  world.run_for(500ms);
  ASSERT_GE(arrivals.seen.size(), 4u);
  EXPECT_EQ(arrivals.seen[0].id, arrivals.seen[2].id) << "three times the first";
  EXPECT_NE(arrivals.seen[0].id, arrivals.seen[3].id);
}

TEST_F(Script, Reorders) {
  world.add_sink(arrivals);
  world.network().reorder(heartbeats().to(2));
  world.run_for(1s);
  ASSERT_GE(arrivals.seen.size(), 4u);
  EXPECT_GT(arrivals.seen[0].id, arrivals.seen[1].id);
  EXPECT_GT(arrivals.seen[2].id, arrivals.seen[3].id);
}

// To what nobody can have said: it is refused, and that is an event that no fault explains.
TEST_F(Script, Alters) {
  world.network().alter(heartbeats().to(2), [](PeerMessage& message) {
    auto& inner = std::get<Message>(message.body);
    std::get<Heartbeat>(inner.body).commit = Index(1'000'000);
  });
  EXPECT_THAT(failure_of([&] { world.run_until(Condition("never", [](const World&) { return false; }), 1s); },
                         "unexpected event"),
              HasSubstr("malformed"));
}

TEST_F(Script, DeliversAtOnce) {
  Link slow;
  slow.min_latency = slow.max_latency = 50ms;
  world.network().set_links(slow);
  world.add_sink(arrivals);
  world.network().deliver(heartbeats().to(2));
  world.run_for(1s);
  ASSERT_FALSE(arrivals.seen.empty());
  for (const auto& arrival : arrivals.seen)
    EXPECT_EQ(arrival.took, 0ms);
}

TEST_F(Script, DeliversSomeAndHoldsTheRest) {
  world.add_sink(arrivals);
  world.network().deliver_and_hold(heartbeats().to(2), 2);
  world.run_until(is_held(heartbeats().to(2), 2), 2s);
  EXPECT_EQ(arrivals.seen.size(), 2u);
}

TEST_F(Script, TheNewestRuleDecidesAndPassOverrules) {
  world.drop(heartbeats());
  world.network().pass(heartbeats().to(2));
  world.add_sink(arrivals);
  world.run_for(300ms);
  EXPECT_FALSE(arrivals.seen.empty());
  EXPECT_GT(world.network().counters().lost_by(Loss::script), 0u);
}

TEST_F(Script, DeliversOneByHandAndDropsOne) {
  world.hold(appends());
  auto command = world.submit_async(1, "x=1");
  world.deliver_one(appends().to(3));
  world.drop_one(appends().to(2));
  world.run_until(command.is_answered());
  EXPECT_TRUE(command.ok());
  EXPECT_EQ(world.network().count_held(appends().to(2)), 0u);
}

// mission: 4t.a  Run until, with a budget.

TEST_F(Script, SaysWhichPartOfAConditionDidNotHold) {
  const auto wait = [&] {
    world.run_until(node(1).is_leader() && (node(2).is_leader() || node(3).is_down()) && !node(2).is_down(), 300ms);
  };
  const std::string text = failure_of(wait, "waited in vain");
  EXPECT_THAT(text, HasSubstr("not within 300 ms"));
  EXPECT_THAT(text, HasSubstr("what did not hold: either node 2 leads, or node 3 is down\n"));
  EXPECT_THAT(text, HasSubstr("node 1: leader term"));
}

TEST_F(Script, ABudgetIsKept) {
  const SimTime before = world.now();
  (void)failure_of([&] { world.run_until(node(1).is_down(), 70ms); }, "waited in vain");
  EXPECT_EQ(world.now() - before, 70ms);
  EXPECT_FALSE(world.holds_within(node(1).is_down(), 30ms));
  EXPECT_EQ(world.now() - before, 100ms);
}

TEST_F(Script, AskAfterAnythingOfANode) {
  EXPECT_TRUE(world.holds(node(2).voted_for(1)));
  EXPECT_TRUE(
      world.holds(node(2).where("has a log", [](const Raft& raft) { return raft.log().last().index > Index(1); })));
  EXPECT_EQ(node(2).where("has a log", [](const Raft&) { return true; }).text(), "node 2 has a log");
}

// mission: 4t.c  Breakpoints.

TEST_F(Script, StopsAtAMessage) {
  (void)world.post_command(1, "x=needle", {}, {});
  const PeerMessage sent = world.run_until(appends().containing("needle").to(2));
  EXPECT_EQ(sent.to, NodeId(2));
  EXPECT_EQ(world.network().count_in_flight(appends().containing("needle").to(2)), 1u) << "it has not arrived";
  const Index last = world.raft(1).log().last().index;
  EXPECT_LT(world.raft(2).log().last().index, last);
  (void)world.run_until(appends().containing("needle").to(2), Moment::delivered);
  EXPECT_EQ(world.raft(2).log().last().index, last);
  EXPECT_EQ(world.raft(2).log().stable(), last.previous()) << "the run stands where it was acted upon";
}

TEST_F(Script, AMessageThatDoesNotComeIsNamed) {
  const auto wait = [&] { (void)world.run_until(Messages::of<TimeoutNow>().to(3), Moment::delivered, 100ms); };
  EXPECT_THAT(failure_of(wait, "waited in vain"), HasSubstr("delivered: TimeoutNow to 3"));
  EXPECT_EQ(std::get<Message>(world.run_until(heartbeats()).body).from, NodeId(1)) << "the next one is not disturbed";
}

TEST_F(Script, ABreakpointStopsWhateverRunsWithTheWholeState) {
  world.break_at(node(2).is_leader());
  world.network().isolate(1);
  world.network().restore(2, 3);
  world.drop(Messages::of<VoteRequest>().from(3));
  const std::string text = failure_of([&] { world.run_for(10s); }, "breakpoint");
  EXPECT_EQ(world.raft(2).role(), RoleName::leader);
  EXPECT_THAT(text, HasSubstr("node 2 leads\n"));
  EXPECT_THAT(text, HasSubstr("node 2: leader term"));
  EXPECT_THAT(text, HasSubstr("2 of 3: probe match 0 next"));
  EXPECT_THAT(text, HasSubstr("cut: 1 to 2"));
  world.run_for(1s);  // once
}

TEST_F(Script, ABreakpointIsHitByAMessage) {
  world.break_at(Messages::of<VoteRequest>().from(3), Moment::sent);
  world.run_for(1s);
  const std::string text = failure_of(
      [&] {
        world.fire_timer(3, Timer::election);
        world.run_for(1s);
      },
      "breakpoint");
  EXPECT_THAT(text, HasSubstr("sent: "));
  EXPECT_THAT(text, HasSubstr("on its way: "));
}

TEST_F(Script, ShowsWhatIsHeldAndWhoseClockIsOff) {
  world.hold(heartbeats().to(2));
  world.set_clock_rate(3, 1'100'000);
  world.run_until(is_held(heartbeats().to(2)));
  EXPECT_THAT(world.inspect(), HasSubstr("held: Beat"));
  EXPECT_THAT(world.inspect(), HasSubstr("clock 3: at 1100000 ppm"));
}

// mission: 4t.b  Timers and clocks.

TEST_F(Script, FiresAnyTimer) {
  const auto fired = [&](Who node, Timer timer, const Messages& which) {
    world.run_for(1ms);
    world.hold(which);
    world.fire_timer(node, timer);
    const bool sent = world.network().count_held(which) > 0;
    world.release();
    return sent;
  };
  EXPECT_TRUE(fired(1, Timer::heartbeat, heartbeats()));
  EXPECT_TRUE(fired(2, Timer::election, Messages::of<VoteRequest>().from(2)));
  world.elect(1);
  EXPECT_EQ(world.raft(1).role(), RoleName::leader);
  world.fire_timer(1, Timer::check_quorum);
  EXPECT_EQ(world.raft(1).role(), RoleName::follower);
}

TEST_F(Script, ClocksRunFastAndSlowStandStillAndJump) {
  const auto passes = [&](Who node) {
    const Instant before = world.clock(node).now();
    world.run_for(100ms);
    return world.clock(node).now() - before;
  };
  world.set_clock_rate(1, 1'500'000);
  world.set_clock_rate(2, 500'000);
  world.set_clock_rate(3, 0);
  EXPECT_EQ(passes(1), 150ms);
  EXPECT_EQ(passes(2), 50ms);
  EXPECT_EQ(passes(3), 0ms);
  const Instant before = world.clock(3).now();
  world.jump_clock(3, 10ms);
  EXPECT_EQ(world.clock(3).now() - before, 10ms);
  const WallTime wall = world.clock(3).wall_now();
  world.shift_wall_clock(3, -5s);
  EXPECT_EQ(world.clock(3).wall_now() - wall, -5s);
}

TEST_F(Script, ANodeWhoseClockStandsStillFiresNoTimer) {
  world.set_clock_rate(2, 0);
  world.network().isolate(2);
  const Term before = world.raft(2).term();
  world.run_for(20 * world.election_timeout());
  EXPECT_EQ(world.raft(2).role(), RoleName::follower);
  EXPECT_EQ(world.raft(2).term(), before);
}

// mission: 4  Links.

TEST_F(Script, CutsOneWay) {
  world.network().cut(1, 2);
  world.add_sink(arrivals);
  world.run_for(300ms);
  EXPECT_TRUE(arrivals.seen.empty());
  EXPECT_TRUE(world.network().is_cut(1, 2));
  EXPECT_FALSE(world.network().is_cut(2, 1));
  EXPECT_GT(world.network().counters().lost_by(Loss::cut), 0u);
}

TEST_F(Script, SplitsIntoGroupsAndHeals) {
  world.network().split({{1}, {2, 3}});
  EXPECT_TRUE(world.network().is_cut(1, 2));
  EXPECT_FALSE(world.network().is_cut(2, 3));
  world.network().heal();
  EXPECT_FALSE(world.network().is_cut(1, 2));
}

TEST_F(Script, ALinkLosesAndRepeats) {
  Link bad;
  bad.loss = 0.5;
  world.network().set_link(1, 2, bad);
  bad.loss = 0;
  bad.duplicate = 1;
  world.network().set_link(1, 3, bad);
  world.run_for(2s);
  EXPECT_GT(world.network().counters().lost_by(Loss::chance), 0u);
  EXPECT_GT(world.network().counters().duplicated, 0u);
}

// Shares of what arrives within an eighth of the way, beyond its end, and beyond ten times it.
struct Shares {
  double eighth, beyond, tenfold;
};
Shares shares_of(Spread spread) {
  Timeline timeline;
  Network network(timeline, 2, Random(1), ClusterId(1), false);
  Link link;
  link.min_latency = 1ms;
  link.max_latency = 9ms;
  link.spread = spread;
  link.reorder = 0;
  network.set_links(link);
  network.up(1, 1);
  network.up(2, 2);
  struct Watch final : NetworkWatcher {
    explicit Watch(Timeline& t) : timeline(t) {}
    void on_sent(const PeerMessage&, MessageId) override {}
    void on_delivered(const PeerMessage&, MessageId) override { took.push_back(timeline.now()); }
    void on_lost(const PeerMessage&, MessageId, Loss) override {}
    void on_held(const PeerMessage&, MessageId) override {}
    void on_cut(NodeId, NodeId, bool) override {}
    Timeline& timeline;
    std::vector<SimTime> took;
  } watch(timeline);
  network.watch(watch);
  constexpr int count = 20'000;
  double eighth = 0, beyond = 0, tenfold = 0;
  for (int i = 0; i < count; ++i) {  // one at a time, so that none waits for another
    const SimTime sent = timeline.now();
    network.transport(1).send(
        {GroupId(), NodeId(1), NodeId(2), Message{GroupId(), NodeId(1), NodeId(2), Term(1), Heartbeat{}}});
    while (watch.took.size() <= static_cast<std::size_t>(i))
      timeline.step();
    const Duration took = watch.took.back() - sent;
    EXPECT_GE(took, 1ms);
    eighth += took <= 2ms ? 1 : 0;
    beyond += took > 9ms ? 1 : 0;
    tenfold += took > 81ms ? 1 : 0;
  }
  return {eighth / count, beyond / count, tenfold / count};
}

TEST(Network, LatenciesLieAsTheirSpreadSays) {
  const Shares uniform = shares_of(Spread::uniform);
  EXPECT_NEAR(uniform.eighth, 0.125, 0.02);
  EXPECT_EQ(uniform.beyond, 0);
  const Shares exponential = shares_of(Spread::exponential);
  EXPECT_NEAR(exponential.eighth, 0.5, 0.02);
  EXPECT_NEAR(exponential.beyond, 1.0 / 257, 0.002);
  EXPECT_EQ(exponential.tenfold, 0);
  const Shares heavy = shares_of(Spread::heavy_tail);
  EXPECT_NEAR(heavy.eighth, 0.5, 0.02);
  EXPECT_NEAR(heavy.beyond, 0.093, 0.01);
  EXPECT_NEAR(heavy.tenfold, 0.0069, 0.003);
}

}  // namespace
}  // namespace keel::sim
