// keel-sim: random runs of whole clusters, by seed.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "campaign.hpp"
#include "keel/sim/shrink.hpp"
#include "keel/sim/tla_trace.hpp"
#include "keel/sim/trace_merge.hpp"
#include "keel/sim/trace_writer.hpp"

namespace {

using namespace keel::sim;
using keel::ErrorCode;
using keel::Result;

constexpr int usage_error = 2;

struct Flags {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  std::optional<std::uint64_t> seed;
  std::string profile{default_profile};
  std::string trace;
  std::string trace_format;
  std::vector<std::string> read;
  std::string schedule;
  std::string save;
  bool shrink = false;
  std::uint64_t shrink_runs = ShrinkOptions().max_runs;
  std::int64_t shrink_seconds = ShrinkOptions().max_time.count();
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
  fmt::print(stderr, "keel-sim: cannot write {}: {}\n", file, std::strerror(errno));
  return usage_error;
}

// Traces of servers, or of a run, as a page.
int convert(const Flags& flags) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(flags.trace.c_str(), "w"), &std::fclose);
  if (file == nullptr) return cannot_write(flags.trace);
  const auto merged = merge_traces(flags.read, file.get(), format_of(flags));
  if (!merged) {
    fmt::print(stderr, "keel-sim: {}\n", merged.error().message);
    return usage_error;
  }
  const bool written = std::ferror(file.get()) == 0;
  if (std::fclose(file.release()) != 0 || !written) return cannot_write(flags.trace);
  if (merged->unreadable > 0) {
    fmt::print(stderr, "keel-sim: {} lines could not be read and are left out\n", merged->unreadable);
  }
  fmt::print("the trace is in {}: {} events\n", flags.trace, merged->events);
  return 0;
}

bool write_file(const std::string& name, const std::string& text) {
  std::ofstream file(name, std::ios::binary);
  file << text;
  file.close();
  return file.good();
}

// What is to run: what was written to a file, or what the seed draws.
Result<Schedule> schedule_of(const Flags& flags, const Profile& profile) {
  if (flags.schedule.empty()) return draw_schedule(*flags.seed, profile);
  const std::ifstream file(flags.schedule, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return keel::fail(ErrorCode::io, fmt::format("cannot read {}: {}", flags.schedule, std::strerror(errno)));
  }
  auto schedule = parse_schedule(text.str());
  if (!schedule) return keel::fail(ErrorCode::invalid, flags.schedule + ": " + schedule.error().message);
  return schedule;
}

std::string title(const Schedule& schedule) {
  return fmt::format("seed {}, profile {}", schedule.seed, schedule.profile);
}

// Less that fails the same way, printed and written to a file.
int make_smaller(Flags& flags, Schedule& schedule) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  ShrinkOptions options{
      .run = {}, .max_runs = flags.shrink_runs, .max_time = std::chrono::seconds(flags.shrink_seconds)};
  options.progress = [terminal](const Schedule& best, std::uint64_t runs) {
    if (!terminal) return;
    fmt::print(stderr, "\r\033[K{} runs: {} faults, {} operations, {} nodes", runs, best.faults.size(),
               best.operations.size(), best.world.nodes);
  };
  auto shrunk = shrink(schedule, options);
  if (terminal) fmt::print(stderr, "\r\033[K");
  if (!shrunk) {
    fmt::print("{} does not fail: there is nothing to shrink\n", title(schedule));
    return 0;
  }
  fmt::print("{} faults and {} operations on {} nodes were left of {}, {} and {} after {} runs{}:\n\n{}\n",
             shrunk->schedule.faults.size(), shrunk->schedule.operations.size(), shrunk->schedule.world.nodes,
             schedule.faults.size(), schedule.operations.size(), schedule.world.nodes, shrunk->runs,
             shrunk->complete ? "" : ", at which the search was ended (--shrink-runs, --shrink-seconds)",
             to_text(shrunk->schedule));
  schedule = std::move(shrunk->schedule);
  if (flags.save.empty()) flags.save = fmt::format("{}-{}.schedule", schedule.profile, schedule.seed);
  return -1;
}

int replay(Flags flags, const Profile& profile) {
  auto found = schedule_of(flags, profile);
  if (!found) {
    fmt::print(stderr, "keel-sim: {}\n", found.error().message);
    return usage_error;
  }
  Schedule& schedule = *found;
  if (flags.shrink) {
    if (const int status = make_smaller(flags, schedule); status >= 0) return status;
  }
  if (!flags.save.empty()) {
    if (!write_file(flags.save, to_text(schedule))) return cannot_write(flags.save);
    fmt::print("run it again: keel-sim --schedule {}\n", flags.save);
  }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
  std::unique_ptr<TraceWriter> trace;
  if (!flags.trace.empty()) {
    file.reset(std::fopen(flags.trace.c_str(), "w"));
    if (file == nullptr) return cannot_write(flags.trace);
    trace = make_trace_writer(file.get(), format_of(flags), title(schedule));
  }
  const RunReport report = run_schedule(schedule, {.sink = trace.get(), .tail = 40});
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
  app.add_option("--trace", flags.trace,
                 "With --seed, --schedule or --read: write everything that happens to this file");
  app.add_option("--read", flags.read,
                 "No run: make one trace of these, JSON lines of keelkv --trace or of a run, as html or json");
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
  app.add_flag("--twice", flags.twice, "Run each seed two times and compare the traces, byte for byte");
  app.add_option("--schedule", flags.schedule, "Run what this file says instead of what a seed draws");
  app.add_option("--save", flags.save, "Write what is run to this file, for --schedule");
  app.add_flag("--shrink", flags.shrink, "Look for a shorter schedule that still fails by the same check");
  app.add_option("--shrink-runs", flags.shrink_runs, "At most so many runs")
      ->check(CLI::Range(1ul, 1'000'000'000ul))
      ->capture_default_str();
  app.add_option("--shrink-seconds", flags.shrink_seconds, "At most so long")
      ->check(CLI::Range(1l, 1'000'000l))
      ->capture_default_str();
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
  const bool one = flags.seed || !flags.schedule.empty();
  if (!flags.read.empty()) {
    if (!flags.trace.empty() && !one) return convert(flags);
    fmt::print(stderr, "keel-sim: --read wants --trace FILE.html, and no run\n");
    return usage_error;
  }
  if (!one && (!flags.trace.empty() || !flags.save.empty() || flags.shrink)) {
    fmt::print(stderr, "keel-sim: --trace, --save and --shrink want one run: --seed or --schedule\n");
    return usage_error;
  }
  if (!flags.tla_trace.empty()) {
    if (flags.seed) return write_tla_trace(flags);
    fmt::print(stderr, "keel-sim: --tla-trace wants one --seed\n");
    return usage_error;
  }
  return one ? replay(flags, *profile) : campaign(flags, *profile);
}
