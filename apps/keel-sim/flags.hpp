#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/sim/random_run.hpp"
#include "keel/sim/shrink.hpp"
#include "keel/sim/tla_trace.hpp"
#include "keel/sim/trace_writer.hpp"

namespace keel::sim {

// What the command line says. docs/simulator.md says what each flag means.
struct Flags {
  // A campaign.
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  unsigned jobs = 1;

  // One run.
  std::optional<std::uint64_t> seed;
  std::string schedule;
  std::string trace;
  std::string trace_format;
  std::string save;
  bool shrink = false;
  std::uint64_t shrink_runs = ShrinkOptions().max_runs;
  std::int64_t shrink_seconds = ShrinkOptions().max_time.count();

  // Both.
  std::string profile{default_profile};
  std::string planted;
  bool twice = false;

  // Something else.
  std::vector<std::string> read;
  std::string tla_trace;
  std::size_t tla_lines = default_tla_lines;
  bool list = false;

  [[nodiscard]] bool one_run() const { return seed.has_value() || !schedule.empty(); }
};

// Reads the command line: nothing if the program is to go on, else its exit status; what there is to say is said.
[[nodiscard]] std::optional<int> parse(int argc, char** argv, Flags& flags);

// The format that is asked for, or that the trace's name asks for.
[[nodiscard]] TraceFormat format_of(const Flags& flags);
// How a run is to go, with the bug that is planted in it.
[[nodiscard]] RunOptions run_options(const Flags& flags);
// Where a run comes from: a seed or a schedule's file, and the bug that is planted in it, if there is one.
struct Origin {
  std::string command;  // to type to have it run once more
  std::string name;     // of files about it, without their extension
};
[[nodiscard]] Origin origin_of_seed(std::uint64_t seed, std::string_view profile, std::string_view planted);
[[nodiscard]] Origin origin_of_schedule(const std::string& file, std::string_view planted);
// A word as a shell reads it.
[[nodiscard]] std::string quoted(const std::string& word);

}  // namespace keel::sim
