#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "keel/base/error.hpp"

namespace bench {

// Counts system calls of other processes by the kernel's tracepoints, without stopping them. It slows each call down a
// little, the more so as all of the machine's calls then pass a check: no run that is timed has it.
class KernelCounters {
 public:
  struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t syncs = 0;  // fsync, fdatasync and pwritev2, which is called to write durably, among them
  };

  // All threads that these processes have or will have. Error: `io`, when the kernel does not allow it: it wants root
  // (or CAP_PERFMON) and tracefs.
  static keel::Result<KernelCounters> attach(const std::vector<pid_t>& processes);
  KernelCounters(KernelCounters&& other) noexcept;
  KernelCounters(const KernelCounters&) = delete;
  KernelCounters& operator=(const KernelCounters&) = delete;
  KernelCounters& operator=(KernelCounters&&) = delete;
  ~KernelCounters();

  [[nodiscard]] Counts read() const;  // since `attach`

 private:
  KernelCounters() = default;
  keel::Result<void> open(const char* tracepoint, pid_t thread, std::vector<int>& into);

  std::vector<int> calls_;
  std::vector<int> syncs_;
};

}  // namespace bench
