#include "keel-bench/row.hpp"

#include <algorithm>

#include "keel-bench/stats.hpp"

namespace bench {

namespace {

std::optional<double> median_of(const std::vector<Sample>& runs, std::optional<double> Sample::* figure) {
  std::vector<double> values;
  for (const Sample& run : runs) {
    if (run.*figure) values.push_back(*(run.*figure));
  }
  return bench::median(std::move(values));
}

std::vector<double> rates(const std::vector<Sample>& runs) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const Sample& run : runs)
    values.push_back(run.per_second);
  return values;
}

}  // namespace

void Sample::add_failures(std::uint64_t number, const std::string& first) {
  if (failures == 0) first_failure = first;
  failures += number;
}

void Row::add(const Sample& run) {
  runs.push_back(run);
  const auto all = rates(runs);
  least = std::ranges::min(all);
  most = std::ranges::max(all);
  median.per_second = bench::median(all).value_or(0);
  for (const auto figure :
       {&Sample::p50_us, &Sample::p99_us, &Sample::cpu_us, &Sample::kernel_us, &Sample::client_cpu_us,
        &Sample::other_load, &Sample::syscalls, &Sample::syncs, &Sample::allocations}) {
    median.*figure = median_of(runs, figure);
  }
  median.add_failures(run.failures, run.first_failure);
}

const Row* find(const Report& report, const std::string& who, const std::string& load) {
  const auto row = std::ranges::find_if(report.rows, [&](const Row& r) { return r.who == who && r.load == load; });
  return row == report.rows.end() ? nullptr : &*row;
}

}  // namespace bench
