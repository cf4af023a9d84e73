// keelkv and its peers under the same load, on the same machine, in the same run.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"
#include "keel-bench/counts.hpp"
#include "keel-bench/failover.hpp"
#include "keel-bench/interrupt.hpp"
#include "keel-bench/parts.hpp"
#include "keel-bench/report.hpp"
#include "keel-bench/rounds.hpp"

namespace {

namespace fs = std::filesystem;
using namespace bench;

struct PeerOptions {
  Load load;
  std::vector<std::size_t> clients = {1, 64, 256};
  std::size_t pipeline = 16;
  int runs = 5;
  std::string folder;
  std::string out;
  bool json = false;
};

std::string name_of(std::size_t clients) { return fmt::format("{} client{}", clients, clients == 1 ? "" : "s"); }

std::vector<NamedLoad> resp_loads(const PeerOptions& options, const std::vector<std::size_t>& clients) {
  std::vector<NamedLoad> loads;
  Load load = options.load;
  for (const std::size_t number : clients) {
    load.clients = number;
    loads.push_back({name_of(number), load});
  }
  if (options.pipeline > 1) {
    load.clients = 64;
    load.pipeline = options.pipeline;
    loads.push_back({fmt::format("64 clients, -P {}", options.pipeline), load});
  }
  return loads;
}

// Which of the two is faster depends on the machine: both are run, and the ratios take the better.
std::vector<NamedLoad> etcd_loads(const PeerOptions& options) {
  Load load = options.load;
  load.clients = 64;
  NamedLoad one_each{"64 clients, 64 connections", load};
  load.shared = 4;
  return {one_each, {"64 clients, 4 connections", load}};
}

void add_plan(std::vector<Plan>& plans, const keel::Result<Contender>& contender, const char* who,
              std::vector<NamedLoad> loads, Report& report) {
  if (contender) {
    plans.push_back({*contender, std::move(loads)});
  } else {
    report.notes.push_back(fmt::format("{} is left out: {}", who, contender.error().message));
  }
}

void add_redis(std::vector<Plan>& plans, const PeerOptions& options, Report& report) {
  for (const RedisSync sync : {RedisSync::always, RedisSync::none})
    add_plan(plans, redis_contender(sync), "redis-server", resp_loads(options, {64}), report);
}

bool write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out) fmt::print(stderr, "keel-bench: cannot write {}\n", file.string());
  return static_cast<bool>(out);
}

bool show(const Report& report, const Machine& machine, const PeerOptions& options) {
  fmt::print("{}", options.json ? as_json(report, machine) : as_table(report, machine));
  if (options.out.empty()) return true;
  const fs::path folder(options.out);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!write_file(folder / "bench.json", as_json(report, machine))) return false;
  if (!write_file(folder / "bench.svg", as_picture(report, machine))) return false;
  fmt::print(stderr, "\nwritten: {} and {}\n", (folder / "bench.json").string(), (folder / "bench.svg").string());
  return true;
}

enum class Which { kv, redis, etcd, failover, all };

keel::Result<void> fail_over(const fs::path& parent, const PeerOptions& options, Report& report) {
  for (const bool ours : {true, false}) {
    const auto folder = Folder::make(parent);
    if (!folder) return std::unexpected(folder.error());
    auto servers =
        ours ? keel::Result<std::unique_ptr<Replicas>>(keelkv_replicas(folder->path())) : etcd_replicas(folder->path());
    if (!servers) {
      report.notes.push_back("etcd's failover is left out: " + servers.error().message);
      continue;
    }
    auto failover = measure_failover(**servers, options.runs);
    if (!failover) return keel::fail(failover.error().code, (*servers)->name() + ": " + failover.error().message);
    report.failovers.push_back(std::move(*failover));
  }
  return {};
}

keel::Result<void> measure_all(Which which, const PeerOptions& options, Report& report) {
  const bool all = which == Which::all;
  std::vector<Plan> plans;
  if (all || which == Which::kv) plans.push_back({keelkv_contender(), resp_loads(options, options.clients)});
  if (all || which == Which::etcd) add_plan(plans, etcd_contender(), "etcd", etcd_loads(options), report);
  if (all || which == Which::redis) add_redis(plans, options, report);
  const fs::path folder = data_folder(options.folder);
  if (in_memory(folder)) report.notes.push_back(folder.string() + " is in memory: no sync costs anything here");
  if (auto ran = run_rounds(plans, options.runs, folder, report); !ran) return ran;
  if (auto counted = run_counted(plans, folder, report); !counted) return counted;
  for (const std::string part : {"core", "node", "node --in-flight 1 --spin 300", "catchup"}) {
    if (!all) break;
    fmt::print(stderr, "{}\n", part);
    auto rows = run_part(part == "core" ? part : fmt::format("{} --folder '{}'", part, folder.string()), options.runs);
    if (!rows) return std::unexpected(rows.error());
    report.rows.insert(report.rows.end(), rows->begin(), rows->end());
  }
  if (all || which == Which::failover) {
    if (auto failed_over = fail_over(folder, options, report); !failed_over) return failed_over;
  }
  report.ratios = ratios_of(report);
  note_failures(report);
  note_other_load(report);
  return {};
}

int run(Which which, const PeerOptions& options) {
  end_on_signals();
  const Machine machine = look_at_machine();
  Report report;
  if (auto measured = measure_all(which, options, report); !measured) {
    const auto on = go_on();  // a signal also breaks whatever call it comes to
    fmt::print(stderr, "keel-bench: {}\n", (on ? measured : on).error().message);
    return 1;
  }
  return show(report, machine, options) ? 0 : 1;
}

void add(CLI::App& app, Which which, const char* name, const char* help) {
  auto options = std::make_shared<PeerOptions>();
  CLI::App* command = app.add_subcommand(name, help);
  const auto option = [&](const char* flag, auto& value, const char* what) {
    return command->add_option(flag, value, what)->capture_default_str();
  };
  option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000));
  option("--seconds", options->load.seconds, "of each run, counted")->check(CLI::PositiveNumber);
  option("--warm-up", options->load.warm_up, "seconds before that, not counted")->check(CLI::NonNegativeNumber);
  option("--value", options->load.value, "bytes of each value")->check(CLI::Range(1, 1 << 20));
  option("--keys", options->load.keys, "written at random")->check(CLI::PositiveNumber);
  option("--folder", options->folder, "where the data goes, on a disk; a temporary folder unless told");
  option("--out", options->out, "a folder for bench.json and bench.svg");
  command->add_flag("--json", options->json, "JSON in place of the table");
  if (which == Which::kv || which == Which::all) {
    option("--clients", options->clients, "runs of keelkv with so many")->delimiter(',')->check(CLI::Range(1, 10000));
  }
  if (which != Which::etcd) {
    option("--pipeline", options->pipeline, "commands together, in a further run of 64 clients")
        ->check(CLI::Range(1, 1000));
  }
  command->callback([options, which] {
    if (const int status = run(which, *options); status != 0) std::exit(status);
  });
}

}  // namespace

void add_peer_benches(CLI::App& app) {
  add(app, Which::kv, "kv", "three keelkv under clients' load");
  add(app, Which::etcd, "etcd", "three etcd under the same load");
  add(app, Which::redis, "redis", "one redis-server under the same load, with and without a log");
  add(app, Which::failover, "failover", "how long nobody is answered when the leader is killed: keelkv and etcd");
  add(app, Which::all, "all", "keelkv, etcd and redis-server by turns, and failover");
}
