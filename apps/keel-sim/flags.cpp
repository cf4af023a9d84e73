#include "flags.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "output.hpp"

namespace keel::sim {
namespace {

constexpr std::string_view stale_reads = "stale-reads";
constexpr const char* no_value = " ";  // instead of what CLI11 would say of the flag's relations

// Strictly: CLI11 takes '-1', and what is too large, for the largest number.
CLI::Validator number(std::uint64_t from = 0, std::uint64_t to = std::numeric_limits<std::uint64_t>::max()) {
  return CLI::Validator(
      [from, to](const std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good = error == std::errc() && end == text.data() + text.size() && value >= from && value <= to;
        return good ? std::string() : fmt::format("'{}' is no whole number from {} to {}", text, from, to);
      },
      "");
}

const CLI::Validator file([](const std::string& text) { return text.empty() ? "'' is no file" : std::string(); }, "");

template <class Known>
CLI::Validator name(Known known, const std::string& complaint) {
  return CLI::Validator(
      [known, complaint](const std::string& text) {
        return known(text) ? std::string() : fmt::format("there is no '{}'; {}", text, complaint);
      },
      "");
}

void add_what_to_run(CLI::App& app, Flags& flags) {
  const std::string group = "What to run";
  app.add_option("--seeds", flags.seeds, "A campaign of so many seeds, unless one run is asked for")
      ->check(number(1, 1'000'000'000))
      ->option_text(fmt::format("N ({})", flags.seeds))
      ->group(group);
  app.add_option("--from", flags.from, "The campaign's first seed")
      ->check(number())
      ->option_text(fmt::format("SEED ({})", flags.from))
      ->group(group);
  app.add_option("--jobs", flags.jobs, "The campaign's threads; without it, one for each core")
      ->check(number(1, 256))
      ->option_text("N")
      ->group(group);
  app.add_option("--seed", flags.seed, "One run: what this seed draws")
      ->check(number())
      ->option_text("SEED")
      ->excludes("--seeds", "--from", "--jobs")
      ->group(group);
  app.add_option("--schedule", flags.schedule, "One run: what this file says, which --save or --shrink has written")
      ->check(file)
      ->option_text("FILE")
      ->excludes("--seeds", "--from", "--jobs", "--seed")
      ->group(group);
  app.add_option("--profile", flags.profile, "What may go wrong; --list-profiles says which there are")
      ->check(name(&find_profile, "--list-profiles says which there are"))
      ->option_text(fmt::format("NAME ({})", flags.profile))
      ->excludes("--schedule")
      ->group(group);
  app.add_flag("--twice", flags.twice, "Run everything two times and compare the traces, byte for byte")
      ->option_text(no_value)
      ->group(group);
  app.add_option("--planted", flags.planted,
                 "A bug, to see it found: 'stale-reads', nodes that answer reads without asking anybody")
      ->check(name([](const std::string& text) { return text == stale_reads; }, "there is 'stale-reads'"))
      ->option_text("NAME")
      ->group(group);
}

void add_what_to_do_with_one(CLI::App& app, Flags& flags) {
  const std::string group = "With one run (--seed or --schedule)";
  app.add_option("--trace", flags.trace, "Write down all that happens (also with --read)")
      ->check(file)
      ->option_text("FILE")
      ->excludes("--twice")
      ->group(group);
  app.add_option("--trace-format", flags.trace_format,
                 fmt::format("How ({}); else the file's extension says, or it is text", trace_format_names))
      ->check(name(&trace_format, fmt::format("there is {}", trace_format_names)))
      ->option_text("FORMAT")
      ->needs("--trace")
      ->group(group);
  app.add_option("--save", flags.save, "Write what is run, or what --shrink has left of it, to this file")
      ->check(file)
      ->option_text("FILE")
      ->group(group);
  app.add_flag("--shrink", flags.shrink, "Look for a shorter schedule that still fails by the same check, and save it")
      ->option_text(no_value)
      ->excludes("--twice")
      ->group(group);
  app.add_option("--shrink-runs", flags.shrink_runs, "End the search after so many runs")
      ->check(number(1, 1'000'000'000))
      ->option_text(fmt::format("N ({})", flags.shrink_runs))
      ->needs("--shrink")
      ->group(group);
  app.add_option("--shrink-seconds", flags.shrink_seconds, "End the search after so long")
      ->check(number(1, 1'000'000))
      ->option_text(fmt::format("N ({})", flags.shrink_seconds))
      ->needs("--shrink")
      ->group(group);
}

void add_what_else(CLI::App& app, Flags& flags) {
  const std::string group = "Something else";
  app.add_option("--read", flags.read,
                 "Make one trace, html or json, of these: JSON lines of keelkv --trace or of a run; to --trace")
      ->check(file)
      ->option_text("FILE...")
      ->needs("--trace")
      ->excludes("--seeds", "--from", "--jobs", "--seed", "--schedule", "--profile", "--twice", "--planted")
      ->excludes("--save", "--shrink")
      ->group(group);
  app.add_option("--tla-trace", flags.tla_trace,
                 "With --seed: run what etcd/raft's TLA+ specification covers, and write it down in its words")
      ->check(file)
      ->option_text("FILE")
      ->needs("--seed")
      ->excludes("--profile", "--twice", "--planted", "--trace", "--save", "--shrink")
      ->group(group);
  app.add_option("--tla-lines", flags.tla_lines, "End the TLA+ trace after so many lines")
      ->check(number(10, 1'000'000))
      ->option_text(fmt::format("N ({})", flags.tla_lines))
      ->needs("--tla-trace")
      ->group(group);
  app.add_flag("--list-profiles", flags.list, "Say which profiles there are")->group(group);
}

std::string with_planted(std::string_view name) {
  return name.empty() ? std::string() : fmt::format(" --planted {}", name);
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Flags& flags) {
  flags.jobs = std::max(1u, std::thread::hardware_concurrency());
  CLI::App app{"Random runs of Keel clusters: whole nodes on simulated networks, disks and clocks, by seed.",
               "keel-sim"};
  add_what_to_run(app, flags);
  add_what_to_do_with_one(app, flags);
  add_what_else(app, flags);
  app.footer(
      "Status: 0 if nothing failed; 1 if a run did, or if a campaign never reached what its profile must reach;\n"
      "2 if the flags are wrong or a file cannot be read or written.");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return fmt::format("keel-sim: {}\nkeel-sim --help says which flags there are.\n", error.what());
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  if (flags.one_run() || !flags.read.empty()) return std::nullopt;
  for (const auto& [flag, given] : {std::pair("--trace", !flags.trace.empty()),
                                    std::pair("--save", !flags.save.empty()), std::pair("--shrink", flags.shrink)}) {
    if (given) return complain(fmt::format("{} is for one run: it needs --seed or --schedule", flag));
  }
  return std::nullopt;
}

TraceFormat format_of(const Flags& flags) {
  return flags.trace_format.empty() ? trace_format_of_file(flags.trace) : *trace_format(flags.trace_format);
}

RunOptions run_options(const Flags& flags) {
  return {.reads = flags.planted == stale_reads ? ReadLevel::local : ReadLevel::linearizable};
}

// As a word for a shell.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./+,:@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string text = "'";
  for (const char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

Origin origin_of_seed(std::uint64_t seed, std::string_view profile, std::string_view planted) {
  return {fmt::format("keel-sim --profile {} --seed {}{}", profile, seed, with_planted(planted)),
          fmt::format("{}-{}", profile, seed)};
}

Origin origin_of_schedule(const std::string& file, std::string_view planted) {
  return {fmt::format("keel-sim --schedule {}{}", quoted(file), with_planted(planted)),
          std::filesystem::path(file).replace_extension().string()};
}

}  // namespace keel::sim
