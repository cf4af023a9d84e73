#include "keel/asio/executor.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "asio_loop.hpp"

namespace keel {
namespace {

using namespace std::chrono_literals;
using test::run_until;

class AsioExecutorTest : public testing::Test {
 protected:
  boost::asio::io_context context_;
  AsioExecutor executor_{context_};
  std::vector<int> seen_;

  Task note(int what) {
    return [this, what] { seen_.push_back(what); };
  }
};

TEST_F(AsioExecutorTest, TasksRunInTheOrderOfPostingAndNeverInsidePost) {
  executor_.post([this] {
    seen_.push_back(1);
    executor_.post(note(4));
    seen_.push_back(2);
  });
  executor_.post(note(3));
  EXPECT_TRUE(seen_.empty());
  ASSERT_TRUE(run_until(context_, [&] { return seen_.size() == 4; }));
  EXPECT_EQ(seen_, (std::vector{1, 2, 3, 4}));
}

// A task that posts itself again and again must not starve the sockets on the same loop.
TEST_F(AsioExecutorTest, OtherWorkOnTheLoopGetsItsTurn) {
  bool other_ran = false;
  std::function<void()> again = [&] {
    if (!other_ran) executor_.post(again);
  };
  executor_.post(again);
  executor_.post([&] { boost::asio::post(context_, [&] { other_ran = true; }); });
  EXPECT_TRUE(run_until(context_, [&] { return other_ran; }));
}

TEST_F(AsioExecutorTest, EveryThreadMayPost) {
  constexpr int threads = 4;
  constexpr int each = 5000;
  std::vector<int> last(threads, -1);
  int count = 0;
  bool in_order = true;
  std::vector<std::jthread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        executor_.post([&, t, i] {
          in_order = in_order && last[static_cast<std::size_t>(t)] == i - 1;
          last[static_cast<std::size_t>(t)] = i;
          ++count;
        });
      }
    });
  }
  ASSERT_TRUE(run_until(context_, [&] { return count == threads * each; }));
  EXPECT_TRUE(in_order);
}

TEST_F(AsioExecutorTest, TimersRunInOrderOfTimeAndThenOfAdding) {
  const Instant now = executor_.now();
  executor_.at(now + 3ms, note(3));
  executor_.at(now + 1ms, note(1));
  executor_.at(now + 3ms, note(4));
  executor_.at(now + 2ms, note(2));
  executor_.at(now - 1s, note(0));
  EXPECT_TRUE(seen_.empty());
  ASSERT_TRUE(run_until(context_, [&] { return seen_.size() == 5; }));
  EXPECT_EQ(seen_, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_GE(executor_.now(), now + 3ms);
}

TEST_F(AsioExecutorTest, ATimerNeverRunsBeforeItsTime) {
  const Instant when = executor_.now() + 5ms;
  bool early = true;
  bool ran = false;
  executor_.at(when, [&] {
    early = executor_.now() < when;
    ran = true;
  });
  ASSERT_TRUE(run_until(context_, [&] { return ran; }));
  EXPECT_FALSE(early);
}

TEST_F(AsioExecutorTest, ACancelledTimerNeverRuns) {
  const Instant now = executor_.now();
  TimerId third{};
  executor_.at(now, [&] {
    seen_.push_back(1);
    executor_.cancel(third);  // due in this very round
  });
  const TimerId second = executor_.at(now, note(2));
  third = executor_.at(now, note(3));
  executor_.at(now + 1ms, note(4));
  EXPECT_NE(second, TimerId{});
  executor_.cancel(second);
  executor_.cancel(second);
  executor_.cancel(TimerId{});
  executor_.cancel(TimerId{12345});
  ASSERT_TRUE(run_until(context_, [&] { return seen_.size() == 2; }));
  EXPECT_EQ(seen_, (std::vector{1, 4}));
}

TEST_F(AsioExecutorTest, AnOldHandleDoesNotCancelALaterTimer) {
  const Instant now = executor_.now();
  const TimerId old = executor_.at(now, note(1));
  ASSERT_TRUE(run_until(context_, [&] { return seen_.size() == 1; }));
  executor_.at(now, note(2));
  executor_.cancel(old);
  EXPECT_TRUE(run_until(context_, [&] { return seen_.size() == 2; }));
}

// What a node does each turn: the deadline moves ahead. And once, nearer.
TEST_F(AsioExecutorTest, ADeadlineMayMoveBothWays) {
  const Instant now = executor_.now();
  TimerId timer = executor_.at(now + 1ms, note(1));
  for (int i = 0; i < 100; ++i) {
    executor_.cancel(timer);
    timer = executor_.at(now + 10ms + i * 1us, note(2));
  }
  executor_.cancel(timer);
  executor_.at(now + 5ms, note(3));
  ASSERT_TRUE(run_until(context_, [&] { return !seen_.empty(); }));
  EXPECT_EQ(seen_, (std::vector{3}));
  EXPECT_GE(executor_.now(), now + 5ms);
}

TEST_F(AsioExecutorTest, ATimerAddedByATimerRunsInALaterTurn) {
  const Instant now = executor_.now();
  executor_.at(now, [&] {
    executor_.at(now - 1s, note(3));
    seen_.push_back(1);
  });
  executor_.at(now, note(2));
  ASSERT_TRUE(run_until(context_, [&] { return seen_.size() == 3; }));
  EXPECT_EQ(seen_.front(), 1);
}

TEST_F(AsioExecutorTest, AThrowingTaskLosesNothingBehindIt) {
  executor_.post([] { throw std::runtime_error("a user's mistake"); });
  executor_.post(note(1));
  executor_.at(executor_.now() - 2s, [] { throw std::runtime_error("another"); });
  executor_.at(executor_.now() - 1s, note(2));
  int thrown = 0;
  const auto run = [&] {
    try {
      return run_until(context_, [&] { return seen_.size() == 2; });
    } catch (const std::runtime_error&) {
      ++thrown;
      return false;
    }
  };
  while (!run())
    ASSERT_LE(thrown, 2);
  EXPECT_EQ(thrown, 2);
}

TEST(AsioExecutorLife, UnrunTasksAreDestroyedWithTheExecutor) {
  boost::asio::io_context context;
  auto token = std::make_shared<int>(1);
  {
    AsioExecutor executor(context);
    executor.post([token] { FAIL(); });
    executor.at(executor.now(), [token] { FAIL(); });
    executor.at(executor.now() + 1h, [token] { FAIL(); });
    EXPECT_EQ(token.use_count(), 4);
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_NO_THROW(context.poll());  // what still waited in the loop finds nothing to do
}

TEST(AsioExecutorLife, AStoppedLoopLeavesNothingBehind) {
  boost::asio::io_context context;
  auto token = std::make_shared<int>(1);
  {
    AsioExecutor executor(context);
    std::jthread loop([&] { context.run(); });
    executor.post([&] {
      executor.at(executor.now() + 1h, [token] {});
      executor.post([token] { FAIL(); });
      context.stop();
    });
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace keel
