#include "keelkv/server/read_clock.hpp"

#include <gtest/gtest.h>

#include "scripted_replica.hpp"

namespace keel {
namespace {

using std::chrono::milliseconds;

// Both of its clocks are in the test's hands.
class Hands final : public Executor {
 public:
  void post(Task) override {}
  TimerId at(Instant, Task) override { return {}; }
  void cancel(TimerId) override {}
  [[nodiscard]] Instant now() const override { return monotonic; }
  [[nodiscard]] WallTime wall_now() const override { return wall; }

  Instant monotonic{};
  WallTime wall{milliseconds(10'000)};
};

class ReadClockTest : public testing::Test {
 protected:
  // How each read that asked was told: in order, "ok" or the error's message.
  void ask() {
    clock_->tell_log(Instant{},
                     [this](const Result<void>& result) { told_.push_back(result ? "ok" : result.error().message); });
  }
  void apply(int leaders_clock) {
    replica_.log_time = WallTime(milliseconds(leaders_clock));
    replica_.apply();
  }

  Hands hands_;
  KvMachine machine_;
  ScriptedReplica replica_{machine_};
  std::shared_ptr<ReadClock> clock_ = std::make_shared<ReadClock>(hands_, replica_, machine_);
  std::vector<std::string> told_;
};

using Told = std::vector<std::string>;

TEST_F(ReadClockTest, OneEntryAtATimeForAllThatWereThereBeforeIt) {
  ask();
  ask();  // behind one that is under way, whose time may be too early for it
  ask();
  ASSERT_EQ(replica_.writes.size(), 1u);
  apply(10'000);
  EXPECT_EQ(told_, Told({"ok"}));
  ASSERT_EQ(replica_.writes.size(), 1u);
  apply(10'001);
  EXPECT_EQ(told_, Told({"ok", "ok", "ok"}));
  EXPECT_TRUE(replica_.writes.empty());
}

TEST_F(ReadClockTest, AFailureIsForThoseWhoWaitedForThatEntry) {
  ask();
  ask();
  replica_.refuse({ErrorCode::no_leader, "nobody"});
  EXPECT_EQ(told_, Told({"nobody"}));
  apply(10'000);
  EXPECT_EQ(told_, Told({"nobody", "ok"}));
}

TEST_F(ReadClockTest, AFullLogsTimeIsGoodAsItIs) {
  ask();
  replica_.refuse({ErrorCode::overloaded, "full"});
  EXPECT_EQ(told_, Told({"ok"}));
}

TEST_F(ReadClockTest, WhatThisClockIsAheadOfTheLeadersIsTakenOffForASecond) {
  EXPECT_EQ(clock_->now(), 10'000);
  ask();
  apply(7'000);
  EXPECT_EQ(clock_->now(), 7'000);
  hands_.wall += milliseconds(500);
  hands_.monotonic += milliseconds(500);
  EXPECT_EQ(clock_->now(), 7'500);
  hands_.wall += milliseconds(500);
  hands_.monotonic += milliseconds(500);
  EXPECT_EQ(clock_->now(), 11'000) << "clocks may have been set meanwhile";
}

TEST_F(ReadClockTest, AClockThatIsBehindIsLeftAsItIs) {
  ask();
  apply(12'000);
  EXPECT_EQ(clock_->now(), 10'000);
}

TEST_F(ReadClockTest, NobodyIsToldAfterTheEnd) {
  ask();
  ask();
  clock_->stop();
  replica_.refuse({ErrorCode::stopping, "stopping"});
  ask();
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(replica_.writes.empty());
}

}  // namespace
}  // namespace keel
