// keel-sim: random runs of whole clusters, by seed.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "campaign.hpp"
#include "keel/sim/tla_trace.hpp"
#include "keel/sim/trace_writer.hpp"

namespace {

using namespace keel::sim;

constexpr int usage_error = 2;

struct Flags {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  std::optional<std::uint64_t> seed;
  std::string profile{default_profile};
  std::string trace;
  std::string trace_format;
  std::string tla_trace;
  std::size_t tla_lines = default_tla_lines;
  bool json = false;
  bool twice = false;
  bool list = false;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

void list_profiles() {
  for (const Profile& profile : profiles())
    fmt::print("{:<9} {}\n", profile.name, profile.about);
}

// The format that is asked for, or that the file's name asks for.
TraceFormat format_of(const Flags& flags) {
  if (flags.json) return TraceFormat::json;
  if (flags.trace_format.empty()) return trace_format_of_file(flags.trace);
  return *trace_format(flags.trace_format);
}

int cannot_write(const std::string& file) {
  fmt::print(stderr, "keel-sim: cannot write the trace to {}: {}\n", file, std::strerror(errno));
  return usage_error;
}

int replay(const Flags& flags, const Profile& profile) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
  std::unique_ptr<TraceWriter> trace;
  if (!flags.trace.empty()) {
    file.reset(std::fopen(flags.trace.c_str(), "w"));
    if (file == nullptr) return cannot_write(flags.trace);
    trace =
        make_trace_writer(file.get(), format_of(flags), fmt::format("seed {}, profile {}", *flags.seed, profile.name));
  }
  const RunReport report = run_seed(*flags.seed, profile, {.sink = trace.get(), .tail = 40});
  if (trace != nullptr) {
    trace->finish(report.failed ? report.text : "");
    const bool written = std::ferror(file.get()) == 0;
    if (std::fclose(file.release()) != 0 || !written) return cannot_write(flags.trace);
    fmt::print("the trace is in {}\n", flags.trace);
  }
  print_counters(report.counters);
  if (report.failed) fmt::print("seed {} failed: {}\n", report.seed, report.text);
  fmt::print("{} steps, digest {:016x}\n1 seeds, {} failed\n", report.steps, report.digest, report.failed ? 1 : 0);
  return report.failed ? 1 : 0;
}

// A run of its own kind: the profile does not matter.
int write_tla_trace(const Flags& flags) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(flags.tla_trace.c_str(), "w"), &std::fclose);
  if (file == nullptr) return cannot_write(flags.tla_trace);
  const TlaReport report = run_tla(*flags.seed, flags.tla_lines);
  for (const std::string& line : report.lines)
    fmt::print(file.get(), "{}\n", line);
  const bool written = std::ferror(file.get()) == 0;
  if (std::fclose(file.release()) != 0 || !written) return cannot_write(flags.tla_trace);
  fmt::print("{} lines are in {}\n", report.lines.size(), flags.tla_trace);
  print_counters(report.counters);
  if (report.failed) fmt::print("seed {} failed: {}\n", *flags.seed, report.text);
  return report.failed ? 1 : 0;
}

int campaign(const Flags& flags, const Profile& profile) {
  const CampaignOptions options{&profile, flags.from, flags.seeds, flags.jobs, flags.twice, isatty(STDERR_FILENO) != 0};
  const CampaignReport report = run_campaign(options);
  print_counters(report.counters);
  const auto missing = never_reached(options, report);
  for (const std::string& name : missing)
    fmt::print("never reached, and profile {} should: {}\n", profile.name, name);
  fmt::print("{:.0f} simulated seconds in {:.1f} s\n", report.simulated_seconds, report.seconds);
  fmt::print("{} seeds, {} failed\n", report.seeds, report.failed);
  return report.failed > 0 || !missing.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Random runs of Keel clusters: whole nodes on simulated networks, disks and clocks, by seed."};
  app.add_option("--seeds", flags.seeds, "How many seeds to run")->check(CLI::Range(1ul, 1'000'000'000ul));
  app.add_option("--from", flags.from, "The first seed");
  app.add_option("--seed", flags.seed, "Run this one seed");
  app.add_option("--profile", flags.profile, "What may go wrong (--list-profiles)");
  app.add_option("--trace", flags.trace, "With --seed: write everything that happens to this file");
  app.add_option("--trace-format", flags.trace_format,
                 fmt::format("How ({}); else the file's extension says, or it is text", trace_format_names))
      ->check([](const std::string& name) {
        return trace_format(name) ? std::string() : fmt::format("there is {}, and no '{}'", trace_format_names, name);
      });
  app.add_option("--tla-trace", flags.tla_trace,
                 "With --seed: run what etcd/raft's TLA+ specification covers, and write it down in its words");
  app.add_option("--tla-lines", flags.tla_lines, "With --tla-trace: end after so many lines")
      ->check(CLI::Range(10ul, 1'000'000ul));
  app.add_flag("--json", flags.json, "The same as --trace-format json");
  app.add_flag("--twice", flags.twice, "Run each seed two times and compare");
  app.add_option("--jobs", flags.jobs, "Threads")->check(CLI::Range(1u, 256u));
  app.add_flag("--list-profiles", flags.list, "Say which profiles there are");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  if (flags.list) return list_profiles(), 0;
  const Profile* profile = find_profile(flags.profile);
  if (profile == nullptr) {
    fmt::print(stderr, "keel-sim: there is no profile '{}'; --list-profiles says which there are\n", flags.profile);
    return usage_error;
  }
  if (!(flags.trace.empty() && flags.tla_trace.empty()) && !flags.seed) {
    fmt::print(stderr, "keel-sim: a trace is of one run: say which with --seed\n");
    return usage_error;
  }
  if (!flags.tla_trace.empty()) return write_tla_trace(flags);
  return flags.seed ? replay(flags, *profile) : campaign(flags, *profile);
}
