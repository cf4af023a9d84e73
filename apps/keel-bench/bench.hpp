#pragma once

#include <CLI/CLI.hpp>

// Each mode adds its subcommand; its callback measures and prints a table, or JSON lines with --json.
void add_core_bench(CLI::App& app);
void add_node_bench(CLI::App& app);
void add_catchup_bench(CLI::App& app);
void add_sim_bench(CLI::App& app);
void add_peer_benches(CLI::App& app);
