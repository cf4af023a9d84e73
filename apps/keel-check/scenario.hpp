#pragma once

#include <string>

#include "explorer.hpp"

namespace keel::check {

// A scenario for people: a line for each step, with what it sent and how the node stands after it.
[[nodiscard]] std::string describe_steps(const Outcome& outcome);

// The same as a test in C++, to be pasted into a file of tests/unit/raft/ beside group.hpp. There it is played on fresh
// Rafts, and a Watch judges every step; where a step cannot be taken any more, it passes.
[[nodiscard]] std::string as_test(const Bounds& bounds, const Outcome& outcome, std::string_view name = "GiveItAName");

}  // namespace keel::check
