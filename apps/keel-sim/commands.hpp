#pragma once

#include "flags.hpp"

namespace keel::sim {

// What the program can do. Each says what came of it, and returns the exit status.

// Many seeds, and what they reached.
[[nodiscard]] int campaign(const Flags& flags);
// One seed or schedule: run, written down, made smaller.
[[nodiscard]] int one_run(const Flags& flags);
// Traces of servers, or of a run, as a page.
[[nodiscard]] int convert_traces(const Flags& flags);
// A run in the words of a specification. It is a run of its own kind: there are no profiles.
[[nodiscard]] int write_tla_trace(const Flags& flags);
[[nodiscard]] int list_profiles();

}  // namespace keel::sim
