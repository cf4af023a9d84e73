#include "campaign.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <fmt/core.h>

namespace keel::sim {
namespace {

constexpr std::size_t tail_lines = 40;
constexpr std::chrono::seconds between_lines(10);

// What a failed seed looks like from near: the same run with its last events. A run that does not fail again has
// something in it that its seed does not determine, which is worse.
RunReport look_closer(const RunReport& failed, const Profile& profile) {
  RunReport again = run_seed(failed.seed, profile, {.tail = tail_lines});
  if (again.failed) return again;
  again.failed = true;
  again.check = "determinism";
  again.text = "it failed (" + failed.check +
               "), and run again it did not: something in it is not drawn from the seed\n" + failed.text;
  return again;
}

// All lines of a trace, in 64 bits (FNV-1a) and their number.
class HashedTrace final : public TraceSink {
 public:
  void on_trace(const TraceEvent& event) override {
    for (const char c : text_line(event))
      add(c);
    add('\n');
    ++lines_;
  }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  bool operator==(const HashedTrace& other) const {
    return lines_ == other.lines_ && bytes_ == other.bytes_ && digest_ == other.digest_;
  }

 private:
  void add(char c) {
    ++bytes_;
    digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }

  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325ULL;
};

class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options) : options_(options) {}

  CampaignReport run() {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    threads.reserve(options_.jobs);
    for (unsigned i = 0; i < options_.jobs; ++i)
      threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads)
      thread.join();
    if (options_.terminal) fmt::print(stderr, "\r\033[K");
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report_;
  }

 private:
  void work() {
    for (std::uint64_t i = next_++; i < options_.seeds; i = next_++) {
      const std::uint64_t seed = options_.from + i;
      std::uint64_t lines = 0;
      RunReport report = options_.twice ? run_twice(seed, lines) : run_seed(seed, *options_.profile);
      if (report.failed && report.check != "determinism") report = look_closer(report, *options_.profile);
      take(report, lines);
    }
  }

  // The whole trace of one run against that of another, byte for byte.
  RunReport run_twice(std::uint64_t seed, std::uint64_t& lines) const {
    HashedTrace first;
    HashedTrace second;
    RunReport report = run_seed(seed, *options_.profile, {.sink = &first});
    const RunReport again = run_seed(seed, *options_.profile, {.sink = &second});
    lines = first.lines();
    if (first == second && again.digest == report.digest && again.text == report.text) return report;
    report.failed = true;
    report.check = "determinism";
    report.text = fmt::format(
        "two runs differ: traces of {} and {} lines and {} and {} bytes with digests {:016x} and {:016x}; "
        "of all that happened, {:016x} and {:016x}, after {} and {} steps",
        first.lines(), second.lines(), first.bytes(), second.bytes(), first.digest(), second.digest(), report.digest,
        again.digest, report.steps, again.steps);
    return report;
  }

  void take(const RunReport& report, std::uint64_t lines) {
    const std::lock_guard lock(mutex_);
    ++report_.seeds;
    report_.counters.add(report.counters);
    report_.compared_lines += lines;
    report_.simulated_seconds += std::chrono::duration<double>(report.simulated).count();
    if (report.failed) {
      ++report_.failed;
      if (options_.terminal) fmt::print(stderr, "\r\033[K");
      fmt::print(
          "seed {} failed: {}\nrepeat it: keel-sim --profile {} --seed {} --trace FILE\n"
          "make it smaller: keel-sim --profile {} --seed {} --shrink\n\n",
          report.seed, report.text, options_.profile->name, report.seed, options_.profile->name, report.seed);
      std::fflush(stdout);
    }
    tell();
  }

  void tell() {
    const auto now = std::chrono::steady_clock::now();
    if (!options_.terminal && now - told_ < between_lines) return;
    told_ = now;
    fmt::print(stderr, "{}{} of {} seeds, {} failed{}", options_.terminal ? "\r" : "", report_.seeds, options_.seeds,
               report_.failed, options_.terminal ? "" : "\n");
    std::fflush(stderr);
  }

  const CampaignOptions& options_;
  std::atomic<std::uint64_t> next_{0};
  std::mutex mutex_;  // over what follows and what is printed
  CampaignReport report_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace

CampaignReport run_campaign(const CampaignOptions& options) { return Campaign(options).run(); }

std::vector<std::string> never_reached(const CampaignOptions& options, const CampaignReport& report) {
  std::vector<std::string> missing;
  for (const std::string_view name : must_reach(*options.profile, report.seeds)) {
    if (report.counters.of(name) == 0) missing.emplace_back(name);
  }
  return missing;
}

void print_counters(const Counters& counters) {
  std::string group;
  std::string zeros;
  const auto end_group = [&] {
    if (!zeros.empty()) fmt::print("  never: {}\n", zeros);
    zeros.clear();
  };
  for (const auto& [name, count] : counters.all()) {
    const std::size_t colon = name.find(": ");
    const std::string what = name.substr(colon + 2);
    if (name.substr(0, colon) != group) {
      end_group();
      group = name.substr(0, colon);
      fmt::print("{}\n", group);
    }
    if (count == 0) {
      zeros += (zeros.empty() ? "" : ", ") + what;
    } else {
      fmt::print("  {:<42} {:>14}\n", what, count);
    }
  }
  end_group();
}

}  // namespace keel::sim
