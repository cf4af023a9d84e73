#include "keel/sim/timeline.hpp"

#include <gtest/gtest.h>

#include "keel/sim/clock.hpp"
#include "keel/sim/executor.hpp"
#include "keel/sim/random.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

SimTime at(Duration since_beginning) { return SimTime(since_beginning); }

class TimelineTest : public testing::Test {
 protected:
  Task say(int what) {
    return [this, what] { said.push_back(what); };
  }
  void run() {
    while (timeline.step()) {
    }
  }
  Timeline timeline;
  std::vector<int> said;
};

TEST_F(TimelineTest, EventsComeInTheOrderOfTimeThenOfPosting) {
  timeline.post(1, at(20ms), say(3));
  timeline.post(1, at(10ms), say(1));
  timeline.post(2, at(10ms), say(2));
  run();
  EXPECT_EQ(said, (std::vector{1, 2, 3}));
  EXPECT_EQ(timeline.now(), at(20ms));
}

TEST_F(TimelineTest, WhatIsDueNowComesAfterWhatWasPostedEarlierForNow) {
  timeline.post(1, at(10ms), [this] {
    said.push_back(1);
    timeline.post(1, timeline.now(), say(3));
  });
  timeline.post(1, at(10ms), say(2));
  run();
  EXPECT_EQ(said, (std::vector{1, 2, 3}));
}

TEST_F(TimelineTest, CancelledEventsDoNotRun) {
  const TimerId now = timeline.post(1, at(0ms), say(1));
  const TimerId later = timeline.post(1, at(5ms), say(2));
  timeline.post(1, at(7ms), say(3));
  timeline.cancel(now);
  timeline.cancel(later);
  timeline.cancel(later);
  timeline.cancel(TimerId(0));
  run();
  EXPECT_EQ(said, std::vector{3});
}

TEST_F(TimelineTest, AHandleOfAnEventThatRanCancelsNoOther) {
  const TimerId old = timeline.post(1, at(1ms), say(1));
  run();
  timeline.post(1, at(2ms), say(2));
  timeline.cancel(old);
  run();
  EXPECT_EQ(said, (std::vector{1, 2}));
}

TEST_F(TimelineTest, AFrozenOwnersEventsWaitInOrder) {
  timeline.post(1, at(1ms), say(1));
  timeline.post(1, at(9ms), say(4));
  timeline.post(2, at(5ms), say(2));
  timeline.freeze(1);
  run();
  EXPECT_EQ(said, std::vector{2});
  EXPECT_FALSE(timeline.next()) << "an event that cannot run is not next";
  timeline.thaw(1);
  timeline.post(1, at(9ms), say(5));
  run();
  EXPECT_EQ(said, (std::vector{2, 1, 4, 5}));
  EXPECT_EQ(timeline.now(), at(9ms)) << "what was not yet due keeps its time";
}

TEST_F(TimelineTest, ADroppedOwnersEventsAreDestroyedUnrun) {
  const auto held = std::make_shared<int>(0);
  timeline.post(1, at(1ms), [held] { FAIL(); });
  timeline.post(1, at(0ms), [held] { FAIL(); });
  timeline.post(2, at(1ms), say(1));
  timeline.drop(1);
  EXPECT_EQ(held.use_count(), 1);
  run();
  EXPECT_EQ(said, std::vector{1});
}

// Against the slow definition: a sorted list.
TEST_F(TimelineTest, ManyEventsPostedAndCancelledComeInOrder) {
  Random random(7);
  std::vector<std::pair<SimTime, int>> expected;
  std::vector<TimerId> handles;
  for (int i = 0; i < 2000; ++i) {
    const SimTime when = at(Duration(static_cast<Duration::rep>(random.below(500))));
    handles.push_back(timeline.post(1, when, say(i)));
    expected.emplace_back(when, i);
  }
  for (int i = 0; i < 2000; i += 3) {
    timeline.cancel(handles[static_cast<std::size_t>(i)]);
    std::erase_if(expected, [i](const auto& event) { return event.second == i; });
  }
  std::ranges::sort(expected);  // those of one moment in the order in which they were posted
  run();
  ASSERT_EQ(said.size(), expected.size());
  for (std::size_t i = 0; i < said.size(); ++i)
    EXPECT_EQ(said[i], expected[i].second);
}

// mission: 4t.b
TEST_F(TimelineTest, AClockRunsFastSlowStopsAndJumps) {
  Clock clock(timeline, Instant(100s), WallTime(1h));
  SimExecutor executor(timeline, clock, 1);
  executor.at(Instant(110s), say(1));
  timeline.pass_until(at(1s));
  EXPECT_EQ(executor.now(), Instant(101s));

  clock.set_rate(3'000'000);
  executor.clock_changed();
  timeline.pass_until(at(2s));
  EXPECT_EQ(executor.now(), Instant(104s));
  EXPECT_EQ(timeline.next(), at(4s));

  clock.set_rate(0);
  executor.clock_changed();
  EXPECT_FALSE(timeline.next()) << "a stopped clock reaches nothing";
  timeline.pass_until(at(60s));
  EXPECT_EQ(executor.now(), Instant(104s));

  clock.set_rate(500'000);
  clock.jump(4s);
  executor.clock_changed();
  EXPECT_EQ(executor.now(), Instant(108s));
  EXPECT_EQ(timeline.next(), at(64s));
  run();
  EXPECT_EQ(said, std::vector{1});
  EXPECT_EQ(executor.now(), Instant(110s));
  EXPECT_EQ(executor.wall_now(), WallTime(1h + 10s));
}

TEST_F(TimelineTest, ATimerNeverFiresBeforeItsClockShowsItsTime) {
  Random random(3);
  Clock clock(timeline, Instant(12345ns), WallTime(0ms));
  SimExecutor executor(timeline, clock, 1);
  for (int i = 0; i < 500; ++i) {
    clock.set_rate(static_cast<std::int64_t>(random.between(1, 5'000'000)));
    const Instant due = executor.now() + Duration(static_cast<Duration::rep>(random.between(1, 1'000'000)));
    executor.at(due, [&, due] { EXPECT_GE(executor.now(), due); });
    run();
  }
}

TEST_F(TimelineTest, ARebootedClockStartsAnewAndWallTimeGoesOn) {
  Clock clock(timeline, Instant(500s), WallTime(0ms));
  timeline.pass_until(at(3s));
  clock.reboot(Instant(20s));
  EXPECT_EQ(clock.now(), Instant(20s));
  EXPECT_EQ(clock.wall_now(), WallTime(3s));
}

}  // namespace
}  // namespace keel::sim
