#pragma once

#include <chrono>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace keel::test {

// Long enough that only a test that is broken ever reaches it, under sanitizers on a busy machine too.
inline constexpr std::chrono::seconds patience{30};

// Runs the loop until `condition` holds; false when it does not within our patience.
template <class Condition>
bool run_until(boost::asio::io_context& context, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto guard = boost::asio::make_work_guard(context);
  context.restart();
  while (!condition()) {
    if (context.run_one_until(deadline) == 0) return condition();
  }
  return true;
}

}  // namespace keel::test
