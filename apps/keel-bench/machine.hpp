#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace bench {

// Seconds of processor time since it began.
struct CpuTime {
  double user = 0;
  double kernel = 0;
  [[nodiscard]] double all() const { return user + kernel; }
};
[[nodiscard]] CpuTime cpu_of(const std::vector<pid_t>& processes);  // those that still run, with all their threads
[[nodiscard]] double own_cpu();

// How busy all cores were between two moments, in seconds of processor time, whoever it was for; time that the
// hypervisor took away counts as busy.
[[nodiscard]] double busy_cpu();
[[nodiscard]] unsigned cores();

struct Machine {
  std::string cpu;
  std::string kernel;
  unsigned cores = 0;
  double memory_gib = 0;
  double load_average = 0;  // of the minute before
  double busy_before = 0;   // the share of all cores that was busy in the half second before anything started
};
[[nodiscard]] Machine look_at_machine();

}  // namespace bench
