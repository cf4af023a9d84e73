// Three durable nodes in three processes over loopback TCP; the clients are in the leader's process.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"
#include "keel-bench/interrupt.hpp"
#include "keel-bench/member.hpp"
#include "keel-bench/members.hpp"

namespace {

struct NodeBenchOptions {
  std::vector<std::size_t> in_flight = {1, 64, 256};
  double seconds = 2;
  std::size_t payload = 256;
  int runs = 5;
  unsigned spin_us = 0;
  std::string folder;
  bool json = false;
};

void measure(const NodeBenchOptions& options) {
  ThreeMembers members(options.folder, options.spin_us);
  members.run(64, 0.5, options.payload);  // warm up
  for (const std::size_t in_flight : options.in_flight) {
    std::vector<Figures> all;
    all.reserve(static_cast<std::size_t>(options.runs));
    for (int run = 0; run < options.runs; ++run)
      all.push_back(members.run(in_flight, options.seconds, options.payload));
    std::ranges::sort(all, {}, &Figures::per_second);
    const Figures& median = all[all.size() / 2];
    fmt::print(
        fmt::runtime(options.json
                         ? "{{\"bench\":\"node\",\"in_flight\":{},\"spin_us\":{},\"per_second\":{:.0f},\"min\":{:."
                           "0f},\"max\":{:.0f},\"median_us\":{:.1f},\"p99_us\":{:.1f},\"syncs_each\":"
                           "{:.4f},\"cpu_us_each\":{:.2f},\"failures\":{}}}\n"
                         : "node, {:>4} in flight, spin {} µs: {:>8.0f} commands/s (min {:.0f}, max {:.0f}); "
                           "median {:.0f} µs, p99 {:.0f} µs; {:.4f} syncs on the leader and {:.2f} "
                           "µs of processor time over all three, each; {} failures\n"),
        in_flight, options.spin_us, median.per_second, all.front().per_second, all.back().per_second, median.median_us,
        median.p99_us, median.syncs, median.cpu_us, median.failures);
    std::fflush(stdout);
  }
}

}  // namespace

void add_node_bench(CLI::App& app) {
  auto options = std::make_shared<NodeBenchOptions>();
  CLI::App* node = app.add_subcommand("node", "three durable nodes over loopback TCP, clients in the leader's process");
  node->add_option("--in-flight", options->in_flight, "commands in flight")->delimiter(',')->capture_default_str();
  node->add_option("--seconds", options->seconds, "of each run")->check(CLI::PositiveNumber)->capture_default_str();
  node->add_option("--payload", options->payload, "bytes of each command")->capture_default_str();
  node->add_option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000))->capture_default_str();
  node->add_option("--spin", options->spin_us,
                   "microseconds for which an idle loop looks for more to do before it sleeps")
      ->capture_default_str();
  node->add_option("--folder", options->folder, "where the data goes, on a disk; a temporary folder unless told");
  node->add_flag("--json", options->json, "a JSON object a line");
  node->callback([options] {
    bench::end_on_signals();
    measure(*options);
  });

  auto member = std::make_shared<MemberOptions>();
  CLI::App* one = app.add_subcommand("member", "one of those three; started by `node`")->group("");
  one->add_option("--id", member->id)->required();
  one->add_option("--ports", member->ports)->delimiter(',')->required();
  one->add_option("--data", member->data)->required();
  one->add_option("--spin", member->spin_us);
  one->add_flag("--again", member->again, "it has run before");
  one->callback([member] { std::exit(run_member(*member)); });
}
