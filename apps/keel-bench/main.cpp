// keel-bench: measures Keel's parts on this machine. Nothing here is a test; figures go to docs/performance.md.
#include <cstdio>
#include <exception>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Measures Keel. Medians of several runs; say what else the machine was doing when you quote them."};
  app.require_subcommand(1);
  add_core_bench(app);
  add_node_bench(app);
  add_catchup_bench(app);
  add_sim_bench(app);
  add_peer_benches(app);
  try {
    CLI11_PARSE(app, argc, argv);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "keel-bench: {}\n", error.what());
    return 1;
  }
}
