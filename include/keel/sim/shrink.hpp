#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "keel/sim/random_run.hpp"

namespace keel::sim {

struct ShrinkOptions {
  RunOptions run;
  std::uint64_t max_runs = 2000;
  std::chrono::seconds max_time{300};  // of the clock on the wall
  // Told each time that less was found to fail too.
  std::function<void(const Schedule&, std::uint64_t runs)> progress = {};
};

struct Shrunk {
  Schedule schedule;
  RunReport failure;  // of that schedule: by the same check as the one that was given
  std::uint64_t runs = 0;
  bool complete = false;  // nothing more can be left out by the steps there are; else a bound was reached
};

// Looks for less that still fails by the same check: without some kinds of faults, single faults, clients, operations and
// nodes, in a shorter time. Error: `invalid`, if the schedule does not fail at all.
[[nodiscard]] Result<Shrunk> shrink(const Schedule& failing, const ShrinkOptions& options);

}  // namespace keel::sim
