#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/sim/counters.hpp"
#include "keel/sim/profile.hpp"
#include "keel/sim/schedule.hpp"
#include "keel/sim/world.hpp"

namespace keel::sim {

// How a random run goes, in virtual time. From its seed it draws a cluster, settings, a workload and a storm of faults.
// When the storm is over everything is healed, and within `recovery_bound` there must be a leader that all follow, all
// logs equal and everything applied; from then to the end nothing may change leaders. At least 60 seconds in all.
inline constexpr Duration storm_time = std::chrono::seconds(45);
inline constexpr Duration recovery_bound = std::chrono::seconds(10);
inline constexpr Duration peace_time = std::chrono::seconds(5);  // behind the recovery bound

struct RunOptions {
  // Sees everything; slows the run down, and changes nothing in it.
  TraceSink* sink = nullptr;
  std::size_t tail = 0;  // lines of trace to show with a failure
  // A state machine of one's own: then `command` makes the commands, and instead of linearizability it is judged by
  // what all machines are: equal replies and, if it is Digestible, equal digests.
  MachineFactory machine = {};
  std::function<std::string(Random&)> command = {};
  // A log store of one's own.
  LogFactory make_log = {};
  // What the clients ask for when they read. Whatever it is, it is judged as if it were linearizable.
  ReadLevel reads = ReadLevel::linearizable;
};

struct RunReport {
  std::uint64_t seed = 0;
  bool failed = false;
  std::string check;         // which rule was broken
  std::string text;          // how, with the state of all nodes
  std::uint64_t digest = 0;  // of all that happened: equal for equal runs
  std::uint64_t steps = 0;
  Duration simulated{};
  Counters counters;
};

// Runs what was drawn, or written. Equal schedules give equal runs; sink and tail do not change them.
[[nodiscard]] RunReport run_schedule(const Schedule& schedule, const RunOptions& options = {});
// Runs what the seed draws.
[[nodiscard]] RunReport run_seed(std::uint64_t seed, const Profile& profile, const RunOptions& options = {});

}  // namespace keel::sim
