// How fast a follower that was away gets the entries it missed, from the leader's log: those in the leader's memory and
// those on its disk alike.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/core.h>

#include "keel-bench/bench.hpp"
#include "keel-bench/interrupt.hpp"
#include "keel-bench/members.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct CatchUpOptions {
  std::uint64_t entries = 1'000'000;
  std::size_t payload = 256;
  int runs = 5;
  std::string folder;
  bool json = false;
};

struct CatchUp {
  double per_second = 0;
  double entries = 0;
  double leader_mib = 0;  // resident, at most
  double follower_mib = 0;
};

double seconds_until_applied(ThreeMembers& members, int id, std::uint64_t index) {
  const auto began = Clock::now();
  while (members.applied(id) < index) {
    if (Clock::now() - began > std::chrono::minutes(5)) throw std::runtime_error("it did not catch up in 5 minutes");
    poll(nullptr, 0, 5);
  }
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// From its start, its own recovery included, until it has applied what the leader had when it started.
CatchUp run_once(const CatchUpOptions& options) {
  ThreeMembers members(options.folder);
  const int away = members.leader() % 3 + 1;
  members.stop(away);
  const std::uint64_t before = members.applied(members.leader());
  std::uint64_t now = before;
  while (now - before < options.entries) {
    if (members.run(256, 0.5, options.payload).failures != 0) throw std::runtime_error("the load failed");
    now = members.applied(members.leader());
  }
  members.start(away);
  const double seconds = seconds_until_applied(members, away, now);
  const auto mib = [&](int id) { return static_cast<double>(members.peak_memory(id)) / 1024; };
  const auto missed = static_cast<double>(now - before);
  return {missed / seconds, missed, mib(members.leader()), mib(away)};
}

void measure(const CatchUpOptions& options) {
  std::vector<CatchUp> all;
  all.reserve(static_cast<std::size_t>(options.runs));
  for (int run = 0; run < options.runs; ++run)
    all.push_back(run_once(options));
  std::ranges::sort(all, {}, &CatchUp::per_second);
  const CatchUp& median = all[all.size() / 2];
  fmt::print(fmt::runtime(options.json ? "{{\"bench\":\"catchup\",\"entries\":{:.0f},\"per_second\":{:.0f},"
                                         "\"min\":{:.0f},\"max\":{:.0f},\"leader_peak_mib\":{:.0f},"
                                         "\"follower_peak_mib\":{:.0f}}}\n"
                                       : "catch-up of {:.0f} entries by log: {:.0f} entries/s (min {:.0f}, max "
                                         "{:.0f}); at most {:.0f} MiB resident in the leader, {:.0f} in the "
                                         "follower\n"),
             median.entries, median.per_second, all.front().per_second, all.back().per_second, median.leader_mib,
             median.follower_mib);
}

}  // namespace

void add_catchup_bench(CLI::App& app) {
  auto options = std::make_shared<CatchUpOptions>();
  CLI::App* bench = app.add_subcommand("catchup", "a follower that was away gets what it missed, by log");
  bench->add_option("--entries", options->entries, "that it misses, at least")->capture_default_str();
  bench->add_option("--payload", options->payload, "bytes of each")->capture_default_str();
  bench->add_option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000))->capture_default_str();
  bench->add_option("--folder", options->folder, "where the data goes, on a disk; a temporary folder unless told");
  bench->add_flag("--json", options->json, "a JSON object a line");
  bench->callback([options] {
    bench::end_on_signals();
    measure(*options);
  });
}
