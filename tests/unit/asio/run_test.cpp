#include "keel/asio/run.hpp"

#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "asio_loop.hpp"
#include "keel/asio/executor.hpp"

namespace keel {
namespace {

using namespace std::chrono_literals;

class RunTest : public testing::TestWithParam<Duration> {
 protected:
  boost::asio::io_context context_;
  AsioExecutor executor_{context_};
};

TEST_P(RunTest, RunsWhatThereIsAndEndsWhenNothingCanCome) {
  std::vector<int> seen;
  executor_.at(executor_.now() + 3ms, [&] { seen.push_back(2); });
  executor_.post([&] { seen.push_back(1); });
  run(context_, GetParam());
  EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST_P(RunTest, WakesForWhatAnotherThreadPosts) {
  const auto busy = boost::asio::make_work_guard(context_);
  int seen = 0;
  std::jthread poster([&] {
    for (int i = 0; i < 1000; ++i)
      executor_.post([&] {
        if (++seen == 1000) context_.stop();
      });
  });
  run(context_, GetParam());
  EXPECT_EQ(seen, 1000);
}

// As with io_context::run: it may be called again, and what waited behind the exception follows.
TEST_P(RunTest, WhatATaskThrowsComesOut) {
  bool after = false;
  executor_.post([] { throw std::runtime_error("thrown"); });
  executor_.post([&] { after = true; });
  EXPECT_THROW(run(context_, GetParam()), std::runtime_error);
  EXPECT_FALSE(after);
  run(context_, GetParam());
  EXPECT_TRUE(after);
}

TEST_P(RunTest, AStoppedLoopDoesNotRun) {
  executor_.post([] { FAIL(); });
  context_.stop();
  run(context_, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Spins, RunTest, testing::Values(Duration(), Duration(50us), Duration(1h)),
                         [](const auto& spin) { return "For" + std::to_string(spin.param.count()); });

}  // namespace
}  // namespace keel
