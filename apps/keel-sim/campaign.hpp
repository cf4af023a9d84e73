#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keel/sim/random_run.hpp"

namespace keel::sim {

struct CampaignOptions {
  const Profile* profile = nullptr;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  unsigned jobs = 1;
  bool twice = false;        // each seed two times: their traces must be the same, byte for byte
  bool terminal = false;     // progress is one line on stderr, rewritten; else a line every ten seconds
  std::string planted = {};  // the bug's name, if there is one in `run`
  RunOptions run = {};
};

struct CampaignReport {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  std::uint64_t compared_lines = 0;  // of traces, with `twice`
  Counters counters;
  double simulated_seconds = 0;
  double seconds = 0;
};

// Runs the seeds, on as many threads as told, and prints each failure as it comes: seed, reason, last events, and the
// command that repeats it.
[[nodiscard]] CampaignReport run_campaign(const CampaignOptions& options);

// What the profile should have reached and did not.
[[nodiscard]] std::vector<std::string> never_reached(const CampaignOptions& options, const CampaignReport& report);

}  // namespace keel::sim
