// How fast the simulator is: random runs of a minute each, with nobody reading along, on one core.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"
#include "keel-bench/cpu_time.hpp"
#include "keel/sim/random_run.hpp"

namespace {

using namespace keel::sim;

struct SimOptions {
  std::uint64_t seeds = 50;
  int runs = 5;
  bool json = false;
};

struct Figures {
  double per_second;  // simulated seconds for each of processor time
  double steps;       // a second of processor time
};

Figures run_once(const SimOptions& options, const Profile& profile) {
  double simulated = 0;
  double steps = 0;
  const double start = bench::cpu_seconds();
  for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
    const RunReport report = run_seed(seed, profile);
    if (report.failed) {
      fmt::print(stderr, "seed {} failed: {}\n", seed, report.text);
      std::exit(1);
    }
    simulated += std::chrono::duration<double>(report.simulated).count();
    steps += static_cast<double>(report.steps);
  }
  const double seconds = bench::cpu_seconds() - start;
  return {simulated / seconds, steps / seconds};
}

void measure(const SimOptions& options, std::size_t nodes, bool faults) {
  const Profile& storm = *find_profile("storm");
  const Profile profile{.name = faults ? "all faults" : "no faults",
                        .about = "",
                        .min_nodes = nodes,
                        .max_nodes = nodes,
                        .faults = faults ? storm.faults : Fault::none};
  std::vector<Figures> figures;
  figures.reserve(static_cast<std::size_t>(options.runs));
  for (int run = 0; run < options.runs; ++run)
    figures.push_back(run_once(options, profile));
  std::ranges::sort(figures, {}, &Figures::per_second);
  const Figures& median = figures[figures.size() / 2];
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"sim\",\"nodes\":{},\"faults\":{},\"seeds\":{},\"runs\":{},\"median_per_second\":{:.0f},"
        "\"min\":{:.0f},\"max\":{:.0f},\"steps_per_second\":{:.0f}}}\n",
        nodes, faults, options.seeds, options.runs, median.per_second, figures.front().per_second,
        figures.back().per_second, median.steps);
  } else {
    fmt::print(
        "sim, {} nodes, {:<10}: {:>6.0f} simulated seconds for each of processor time (min {:.0f}, max {:.0f}, {} runs "
        "of {} seeds), {:.0f} events each\n",
        nodes, profile.name, median.per_second, figures.front().per_second, figures.back().per_second, options.runs,
        options.seeds, median.steps);
  }
  std::fflush(stdout);
}

}  // namespace

void add_sim_bench(CLI::App& app) {
  auto options = std::make_shared<SimOptions>();
  CLI::App* sim = app.add_subcommand("sim", "random runs in the simulator, with load, with and without faults");
  sim->add_option("--seeds", options->seeds, "a minute of virtual time each, in each run")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sim->add_option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000))->capture_default_str();
  sim->add_flag("--json", options->json, "a JSON object a line");
  sim->callback([options] {
    for (const std::size_t nodes : {3u, 5u}) {
      for (const bool faults : {false, true})
        measure(*options, nodes, faults);
    }
  });
}
