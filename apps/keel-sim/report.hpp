#pragma once

#include <cstddef>
#include <string>

#include "flags.hpp"
#include "keel/sim/random_run.hpp"

namespace keel::sim {

inline constexpr std::size_t tail_lines = 40;  // of the trace, shown with a failure

// Seed, reason and last events, and what to type next.
[[nodiscard]] std::string describe_failure(const RunReport& report, const Origin& origin);

// What a run or campaign came to, in groups; in one line a group, what it never came to.
[[nodiscard]] std::string describe_counters(const Counters& counters);

}  // namespace keel::sim
