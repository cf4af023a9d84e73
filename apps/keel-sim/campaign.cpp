#include "campaign.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "commands.hpp"
#include "output.hpp"
#include "report.hpp"
#include "twice.hpp"

namespace keel::sim {
namespace {

constexpr std::chrono::seconds between_lines(10);

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
    clear_line();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report_;
  }

 private:
  void work() {
    for (std::uint64_t i = next_++; i < options_.seeds; i = next_++) {
      const std::uint64_t seed = options_.from + i;
      const Schedule schedule = draw_schedule(seed, *options_.profile);
      RunTwice ran =
          options_.twice ? run_twice(schedule, options_.run) : RunTwice{run_schedule(schedule, options_.run)};
      if (ran.report.failed && ran.report.check != differing) ran.report = look_closer(ran.report, schedule);
      take(ran);
    }
  }

  // What a failed seed looks like from near: the same run with its last events. A run that does not fail again has
  // something in it that its seed does not determine, which is worse.
  [[nodiscard]] RunReport look_closer(const RunReport& failed, const Schedule& schedule) const {
    RunOptions options = options_.run;
    options.tail = tail_lines;
    RunReport again = run_schedule(schedule, options);
    if (again.failed) return again;
    again.failed = true;
    again.check = differing;
    again.text = "it failed (" + failed.check +
                 "), and run again it did not: something in it is not drawn from the seed\n" + failed.text;
    return again;
  }

  void take(const RunTwice& ran) {
    const RunReport& report = ran.report;
    const std::lock_guard lock(mutex_);
    ++report_.seeds;
    report_.counters.add(report.counters);
    report_.compared_lines += ran.lines;
    report_.simulated_seconds += std::chrono::duration<double>(report.simulated).count();
    if (report.failed) {
      ++report_.failed;
      clear_line();
      say(describe_failure(report, origin_of_seed(report.seed, options_.profile->name, options_.planted)) + "\n");
      std::fflush(stdout);
    }
    tell_progress();
  }

  void tell_progress() {
    const auto now = std::chrono::steady_clock::now();
    if (!options_.terminal && now - told_ < between_lines) return;
    told_ = now;
    tell(fmt::format("{}{} of {} seeds, {} failed{}", options_.terminal ? "\r" : "", report_.seeds, options_.seeds,
                     report_.failed, options_.terminal ? "" : "\n"));
  }
  void clear_line() const {
    if (options_.terminal) tell("\r\033[K");
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

int campaign(const Flags& flags) {
  const CampaignOptions options{.profile = find_profile(flags.profile),
                                .from = flags.from,
                                .seeds = flags.seeds,
                                .jobs = flags.jobs,
                                .twice = flags.twice,
                                .terminal = isatty(STDERR_FILENO) != 0,
                                .planted = flags.planted,
                                .run = run_options(flags)};
  const CampaignReport report = run_campaign(options);
  say(describe_counters(report.counters));
  const auto missing = never_reached(options, report);
  for (const std::string& name : missing)
    say(fmt::format("never reached, and profile {} should: {}\n", flags.profile, name));
  if (flags.twice) say(fmt::format("{} lines of trace compared with a second run's\n", report.compared_lines));
  say(fmt::format("{:.0f} simulated seconds in {:.1f} s\n", report.simulated_seconds, report.seconds));
  say(fmt::format("{} seeds, {} failed\n", report.seeds, report.failed));
  return report.failed > 0 || !missing.empty() ? went_wrong : 0;
}

}  // namespace keel::sim
