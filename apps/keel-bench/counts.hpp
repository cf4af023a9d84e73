#pragma once

#include <filesystem>

#include "keel-bench/rounds.hpp"

namespace bench {

// One further round, whose times nobody looks at, with the kernel counting system calls and keelkv its allocations: adds
// both to the rows' medians. What could not be counted becomes a note. Error: the first that a contender ended with.
[[nodiscard]] keel::Result<void> run_counted(const std::vector<Plan>& plans, const std::filesystem::path& parent,
                                             Report& report);

}  // namespace bench
