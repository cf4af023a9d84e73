#include "keel-bench/rounds.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "keel-bench/measure.hpp"
#include "keel-bench/report.hpp"

namespace bench {

using keel::Result;

namespace {

Result<void> run_one(const Plan& plan, const std::filesystem::path& parent, const std::string& round,
                     std::vector<Row>::iterator row) {
  const auto folder = Folder::make(parent);
  if (!folder) return std::unexpected(folder.error());
  const auto servers = plan.contender.make(folder->path(), false);
  const auto wrong = [&](const keel::Error& error) {
    return keel::fail(error.code, plan.contender.name + ": " + error.message);
  };
  if (auto started = servers->start(); !started) return wrong(started.error());
  for (const NamedLoad& load : plan.loads) {
    const auto sample = measure(*servers, load.load);
    if (!sample) return wrong(sample.error());
    fmt::print(stderr, "{}: {}, {}: {} commands/s\n", round, row->who, row->load, grouped(sample->per_second));
    row->add(*sample);
    ++row;
  }
  return {};
}

void add_ratio(std::vector<Ratio>& ratios, const std::string& what, const Row* ours, const Row* theirs,
               std::optional<double> (*figure)(const Sample&), const std::string& wanted) {
  if (ours == nullptr || theirs == nullptr) return;
  const auto mine = figure(ours->median);
  const auto other = figure(theirs->median);
  if (mine && other && *other > 0) ratios.push_back({what, *mine / *other, wanted});
}

std::optional<double> rate(const Sample& sample) { return sample.per_second; }
std::optional<double> p99(const Sample& sample) { return sample.p99_us; }
std::optional<double> cpu(const Sample& sample) { return sample.cpu_us; }

bool has_failed(const Report& report, const std::string& who) {
  return std::ranges::any_of(report.rows, [&](const Row& row) { return row.who == who && row.median.failures > 0; });
}

// The one that does most under loads of 64 clients that send one command at a time.
const Row* best_of(const Report& report, const std::string& who) {
  const Row* best = nullptr;
  for (const Row& row : report.rows) {
    if (row.who != who || !row.load.starts_with("64 clients") || row.load.contains("-P")) continue;
    if (best == nullptr || row.median.per_second > best->median.per_second) best = &row;
  }
  return best;
}

}  // namespace

Result<void> run_rounds(const std::vector<Plan>& plans, int rounds, const std::filesystem::path& folder,
                        Report& report) {
  const auto first = static_cast<std::ptrdiff_t>(report.rows.size());
  for (const Plan& plan : plans) {
    for (const NamedLoad& load : plan.loads)
      report.rows.push_back({.who = plan.contender.name, .load = load.name, .median = {}, .runs = {}});
  }
  for (int round = 1; round <= rounds; ++round) {
    auto row = report.rows.begin() + first;
    for (const Plan& plan : plans) {
      const std::string name = fmt::format("round {} of {}", round, rounds);
      if (auto ran = run_one(plan, folder, name, row); !ran) return ran;
      row += static_cast<std::ptrdiff_t>(plan.loads.size());
    }
  }
  return {};
}

std::vector<Ratio> ratios_of(const Report& report) {
  if (has_failed(report, "keelkv")) return {};
  std::vector<Ratio> ratios;
  const Row* const ours = find(report, "keelkv", "64 clients");
  const Row* const piped = find(report, "keelkv", "64 clients, -P 16");
  if (const Row* const etcd = best_of(report, "etcd"); etcd != nullptr && !has_failed(report, "etcd")) {
    const std::string with = " (" + etcd->load + ")";
    add_ratio(ratios, "keelkv 64 clients / etcd" + with, ours, etcd, rate, "floor: at least 5");
    add_ratio(ratios, "keelkv -P 16 / etcd" + with, piped, etcd, rate, "floor: at least 15");
    add_ratio(ratios, "p99: keelkv 64 clients / etcd" + with, ours, etcd, p99, "floor: at most 0.33");
    add_ratio(ratios, "processor time: keelkv 64 clients / etcd" + with, ours, etcd, cpu, "");
  }
  for (const std::string redis : {"redis, appendfsync always", "redis, in memory"}) {
    if (has_failed(report, redis)) continue;
    const std::string wanted = redis.ends_with("always") ? "aim: at least 1" : "";
    add_ratio(ratios, "keelkv / " + redis + ", 64 clients", ours, find(report, redis, "64 clients"), rate, wanted);
    add_ratio(ratios, "keelkv / " + redis + ", -P 16", piped, find(report, redis, "64 clients, -P 16"), rate, wanted);
  }
  return ratios;
}

void note_failures(Report& report) {
  std::set<std::string> failed;
  for (const Row& row : report.rows) {
    if (row.median.failures > 0) failed.insert(row.who);
  }
  for (const std::string& who : failed)
    report.notes.push_back(who +
                           " answered commands with errors: its figures leave them out, and no ratio is made of it");
}

void note_other_load(Report& report) {
  double most = 0;
  for (const Row& row : report.rows) {
    for (const Sample& run : row.runs)
      most = std::max(most, run.other_load.value_or(0));
  }
  if (most > 0.05) {
    report.notes.push_back(
        fmt::format("others used up to {:.0f} % of the machine during a run (kernel threads included): the figures "
                    "are lower than a quiet machine's, and the ratios less certain",
                    most * 100));
  }
}

}  // namespace bench
