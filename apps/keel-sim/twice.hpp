#pragma once

#include <cstdint>
#include <string_view>

#include "keel/sim/random_run.hpp"

namespace keel::sim {

// The check that a run has not passed in which something is not drawn from its seed.
inline constexpr std::string_view differing = "determinism";

struct RunTwice {
  RunReport report;         // of the first run, unless the second was another
  std::uint64_t lines = 0;  // of trace, that were compared
};

// The whole trace of one run against that of another, byte for byte.
[[nodiscard]] RunTwice run_twice(const Schedule& schedule, RunOptions options);

}  // namespace keel::sim
