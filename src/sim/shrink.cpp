#include "keel/sim/shrink.hpp"

#include <algorithm>
#include <set>

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// Drops what lies on nodes that are gone; what is asked of them is asked of others.
Schedule with_nodes(Schedule schedule, std::size_t nodes) {
  schedule.world.nodes = nodes;
  const std::uint64_t there = (std::uint64_t{1} << nodes) - 1;
  const auto gone = [nodes](NodeId node) { return node.value() > nodes; };
  std::erase_if(schedule.faults, [&](const PlannedFault& fault) { return gone(fault.node) || gone(fault.other); });
  for (PlannedFault& fault : schedule.faults)
    fault.with &= there;
  for (PlannedOperation& operation : schedule.operations) {
    if (gone(operation.node)) operation.node = NodeId((operation.node.value() - 1) % nodes + 1);
  }
  return schedule;
}

template <class T>
std::vector<T> without(const std::vector<T>& all, std::size_t from, std::size_t count) {
  std::vector<T> rest(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
  rest.insert(rest.end(), all.begin() + static_cast<std::ptrdiff_t>(std::min(from + count, all.size())), all.end());
  return rest;
}

class Shrinker {
 public:
  Shrinker(const Schedule& failing, const ShrinkOptions& options)
      : options_(options), end_(std::chrono::steady_clock::now() + options.max_time), best_(failing) {}

  Result<Shrunk> shrink() {
    failure_ = run(best_);
    if (!failure_.failed) return fail(ErrorCode::invalid, "this schedule does not fail");
    act_at_once();
    while (!out_of_budget()) {
      const std::size_t before = size();
      drop_what_never_happened();
      drop_kinds();
      drop_parts(&Schedule::faults);
      drop_clients();
      drop_parts(&Schedule::operations);
      drop_nodes();
      begin_earlier();
      end_earlier();
      simplify();
      if (size() == before) break;
    }
    return Shrunk{best_, failure_, runs_, !out_of_budget()};
  }

 private:
  // What all steps make smaller; each time that a round ends with less, another is worth it.
  [[nodiscard]] std::size_t size() const {
    return best_.faults.size() + best_.operations.size() + best_.world.nodes +
           static_cast<std::size_t>(best_.storm / 1s);
  }
  [[nodiscard]] bool out_of_budget() const {
    return runs_ >= options_.max_runs || std::chrono::steady_clock::now() >= end_;
  }

  RunReport run(const Schedule& schedule) {
    ++runs_;
    return run_schedule(schedule, options_.run);
  }

  // True, and the best so far, if it fails by the same check.
  bool try_out(Schedule schedule) {
    if (out_of_budget()) return false;
    RunReport report = run(schedule);
    if (!report.failed || report.check != failure_.check) return false;
    best_ = std::move(schedule);
    failure_ = std::move(report);
    if (options_.progress) options_.progress(best_, runs_);
    return true;
  }

  void drop_what_never_happened() {
    Schedule less = best_;
    const auto later = [end = failure_.simulated](const auto& planned) { return planned.at > end; };
    std::erase_if(less.faults, later);
    std::erase_if(less.operations, later);
    const bool in_storm = failure_.simulated < less.storm;
    if (in_storm) less.storm = (failure_.simulated / 1ms + 1) * Duration(1ms);
    if (in_storm || less.faults.size() < best_.faults.size() || less.operations.size() < best_.operations.size()) {
      try_out(std::move(less));
    }
  }

  void drop_kinds() {
    std::set<FaultKind> kinds;
    for (const PlannedFault& fault : best_.faults)
      kinds.insert(fault.kind);
    for (const FaultKind kind : kinds) {
      Schedule less = best_;
      std::erase_if(less.faults, [kind](const PlannedFault& fault) { return fault.kind == kind; });
      try_out(std::move(less));
    }
  }

  void drop_clients() {
    std::set<std::uint32_t> clients;
    for (const PlannedOperation& operation : best_.operations)
      clients.insert(operation.client);
    for (const std::uint32_t client : clients) {
      Schedule less = best_;
      std::erase_if(less.operations, [client](const PlannedOperation& each) { return each.client == client; });
      try_out(std::move(less));
    }
  }

  // Delta debugging (Zeller and Hildebrandt, 2002), by leaving out: first all, then halves, then quarters, then each.
  template <class T>
  void drop_parts(std::vector<T> Schedule::* parts) {
    for (std::size_t chunk = (best_.*parts).size(); chunk > 0 && !out_of_budget(); chunk /= 2) {
      for (std::size_t from = 0; from < (best_.*parts).size() && !out_of_budget();) {
        Schedule less = best_;
        less.*parts = without(best_.*parts, from, chunk);
        if (!try_out(std::move(less))) from += chunk;
      }
    }
  }

  void drop_nodes() {
    for (std::size_t nodes = 1; nodes < best_.world.nodes; ++nodes) {
      if (try_out(with_nodes(best_, nodes))) return;
    }
  }

  // Without the time in which nothing happens yet, or anything any more.
  void begin_earlier() {
    Duration first = best_.storm;
    if (!best_.faults.empty()) first = std::min(first, best_.faults.front().at);
    if (!best_.operations.empty()) first = std::min(first, best_.operations.front().at);
    for (Duration by = first; by > 100ms; by /= 2) {
      Schedule less = best_;
      const Duration whole = by / 1us * Duration(1us);
      for (PlannedFault& fault : less.faults)
        fault.at -= whole;
      for (PlannedOperation& operation : less.operations)
        operation.at -= whole;
      less.storm -= whole;
      if (try_out(std::move(less))) return;
    }
  }
  void end_earlier() {
    Duration last{};
    for (const PlannedFault& fault : best_.faults)
      last = std::max(last, fault.at + fault.lasts);
    for (const PlannedOperation& operation : best_.operations)
      last = std::max(last, operation.at + operation.patience);
    for (const Duration storm : {Duration(0), last, last + Duration(1s), best_.storm / 2}) {
      Schedule less = best_;
      less.storm = storm / 1us * Duration(1us);
      if (less.storm + 100ms < best_.storm && try_out(std::move(less))) return;
    }
  }

  // While there is much that may fail in either way: a turn with one input is simpler to follow.
  void act_at_once() {
    if (best_.world.grain == Duration(0)) return;
    Schedule less = best_;
    less.world.grain = {};
    try_out(std::move(less));
  }

  // Faults and operations with less to them.
  void simplify() {
    for (std::size_t i = 0; i < best_.faults.size() && best_.faults.size() <= few; ++i) {
      for (const auto part :
           {&PlannedFault::loss, &PlannedFault::duplicate, &PlannedFault::reorder, &PlannedFault::spike,
            &PlannedFault::hint, &PlannedFault::slower, &PlannedFault::bandwidth}) {
        Schedule less = best_;
        if (std::exchange(less.faults[i].*part, 0) != 0) try_out(std::move(less));
      }
    }
    for (std::size_t i = 0; i < best_.operations.size() && best_.operations.size() <= few; ++i) {
      Schedule less = best_;
      if (std::exchange(less.operations[i].size, 0u) != 0) try_out(std::move(less));
    }
  }

  static constexpr std::size_t few = 20;

  const ShrinkOptions& options_;
  std::chrono::steady_clock::time_point end_;
  Schedule best_;
  RunReport failure_;
  std::uint64_t runs_ = 0;
};

}  // namespace

Result<Shrunk> shrink(const Schedule& failing, const ShrinkOptions& options) {
  return Shrinker(failing, options).shrink();
}

}  // namespace keel::sim
