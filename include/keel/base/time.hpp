#pragma once

#include <chrono>

namespace keel {

using Duration = std::chrono::nanoseconds;

// Never read from here: time is handed in by an Executor, so that a simulator can own it.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

// A moment on one node's monotonic clock. Comparable only with moments of the same node and process.
using Instant = MonotonicClock::time_point;

// Wall time as replicated in the log: milliseconds since the Unix epoch.
struct WallClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallClock>;
  static constexpr bool is_steady = false;
};
using WallTime = WallClock::time_point;

}  // namespace keel
