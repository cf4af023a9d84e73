#include "keel-bench/kernel_counters.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace bench {

namespace fs = std::filesystem;
using keel::ErrorCode;
using keel::Result;

namespace {

Result<std::uint64_t> number_of(const std::string& tracepoint) {
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    std::ifstream in(std::string(root) + "/events/" + tracepoint + "/id");
    if (std::uint64_t id = 0; in >> id) return id;
  }
  return keel::fail(ErrorCode::io, "cannot read /sys/kernel/tracing/events/" + tracepoint + "/id");
}

std::uint64_t sum_of(const std::vector<int>& counters) {
  std::uint64_t sum = 0;
  for (const int counter : counters) {
    std::uint64_t count = 0;
    if (read(counter, &count, sizeof(count)) == sizeof(count)) sum += count;
  }
  return sum;
}

}  // namespace

KernelCounters::KernelCounters(KernelCounters&& other) noexcept
    : calls_(std::exchange(other.calls_, {})), syncs_(std::exchange(other.syncs_, {})) {}

KernelCounters::~KernelCounters() {
  for (const auto* counters : {&calls_, &syncs_}) {
    for (const int counter : *counters)
      close(counter);
  }
}

Result<void> KernelCounters::open(const char* tracepoint, pid_t thread, std::vector<int>& into) {
  const auto id = number_of(tracepoint);
  if (!id) return std::unexpected(id.error());
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  attributes.config = *id;
  attributes.inherit = 1;  // threads that it starts later count into it
  const long counter = syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (counter < 0) return keel::fail(ErrorCode::io, std::string("perf_event_open: ") + std::strerror(errno));
  into.push_back(static_cast<int>(counter));
  return {};
}

Result<KernelCounters> KernelCounters::attach(const std::vector<pid_t>& processes) {
  KernelCounters counters;
  for (const pid_t process : processes) {
    std::error_code gone;
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(process) + "/task", gone)) {
      const auto thread = static_cast<pid_t>(std::strtol(task.path().filename().c_str(), nullptr, 10));
      if (auto all = counters.open("raw_syscalls/sys_enter", thread, counters.calls_); !all) {
        return std::unexpected(all.error());
      }
      for (const char* sync :
           {"syscalls/sys_enter_fsync", "syscalls/sys_enter_fdatasync", "syscalls/sys_enter_pwritev2"}) {
        if (auto one = counters.open(sync, thread, counters.syncs_); !one) return std::unexpected(one.error());
      }
    }
  }
  return counters;
}

KernelCounters::Counts KernelCounters::read() const { return {sum_of(calls_), sum_of(syncs_)}; }

}  // namespace bench
