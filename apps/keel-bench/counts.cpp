#include "keel-bench/counts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel-bench/kernel_counters.hpp"

namespace bench {

using keel::Result;

namespace {

struct Counted {
  KernelCounters::Counts kernel;
  std::uint64_t allocations = 0;

  static Counted now(const Result<KernelCounters>& kernel, const Servers& servers) {
    return {kernel ? kernel->read() : KernelCounters::Counts(), servers.allocations().value_or(0)};
  }
};

Result<void> count_under(Servers& servers, const Result<KernelCounters>& kernel, const Load& load, Sample& sample) {
  Counted before;
  Counted after;
  const auto result = servers.load(
      load, [&] { before = Counted::now(kernel, servers); }, [&] { after = Counted::now(kernel, servers); });
  if (!result) return std::unexpected(result.error());
  const auto each = [&](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / static_cast<double>(std::max<std::uint64_t>(1, result->answered));
  };
  if (kernel) {
    sample.syscalls = each(before.kernel.calls, after.kernel.calls);
    sample.syncs = each(before.kernel.syncs, after.kernel.syncs);
  }
  sample.add_failures(result->failures, result->first_failure);
  if (servers.allocations()) sample.allocations = each(before.allocations, after.allocations);
  return {};
}

void add_once(std::vector<std::string>& notes, const std::string& note) {
  if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
}

}  // namespace

Result<void> run_counted(const std::vector<Plan>& plans, const std::filesystem::path& parent, Report& report) {
  for (const Plan& plan : plans) {
    const auto folder = Folder::make(parent);
    if (!folder) return std::unexpected(folder.error());
    const auto servers = plan.contender.make(folder->path(), true);
    if (auto started = servers->start(); !started) {
      return keel::fail(started.error().code, plan.contender.name + ": " + started.error().message);
    }
    const auto kernel = KernelCounters::attach(servers->processes());
    if (!kernel) add_once(report.notes, "system calls were not counted: " + kernel.error().message);
    for (const NamedLoad& load : plan.loads) {
      const auto row = std::ranges::find_if(
          report.rows, [&](const Row& r) { return r.who == plan.contender.name && r.load == load.name; });
      if (row == report.rows.end()) continue;
      fmt::print(stderr, "counting: {}, {}\n", row->who, row->load);
      if (auto counted = count_under(*servers, kernel, load.load, row->median); !counted) return counted;
    }
  }
  return {};
}

}  // namespace bench
