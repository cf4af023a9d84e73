#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keel/sim/world.hpp"

// Scenarios: what a Raft must survive, one paragraph each, told with chosen messages at chosen moments.
//
// A test reads like the paragraph it checks, and names it: `// scenario: E-01`; likewise the hazard it guards against
// (`// hazard: H12`) and the part of the mission it shows (`// mission: 1.5`). Time is virtual: nothing sleeps, equal
// runs are equal. A World checks all of Raft's invariants after every step by itself, so that a test says only what is
// special about its story.
//
// By theme: election_test, prevote_test, partition_test, command_test, read_test, transfer_test, time_test,
// message_test, event_test, disk_test; term_inflation_test tells one story with each extension on and off.
//
// Each runs with every combination of PreVote and CheckQuorum (stickiness goes with CheckQuorum), and where a log
// matters on every kind of log. Where a combination rightly behaves otherwise, the test says what happens then, and why.
namespace keel::sim::test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Combination {
  bool pre_vote;
  bool check_quorum;
  LogKind log;
};

// The logs that a scenario runs on if it matters to it which.
inline const std::vector<LogKind> every_log = {LogKind::memory};

inline std::vector<Combination> combinations(const std::vector<LogKind>& logs = {LogKind::memory}) {
  std::vector<Combination> all;
  for (const LogKind log : logs) {
    for (const bool pre_vote : {true, false}) {
      for (const bool check_quorum : {true, false})
        all.push_back({pre_vote, check_quorum, log});
    }
  }
  return all;
}

inline std::string name_of_combination(const ::testing::TestParamInfo<Combination>& info) {
  const Combination& with = info.param;
  std::string name = with.pre_vote ? "PreVote" : "";
  if (with.check_quorum) name += "CheckQuorum";
  if (name.empty()) name = "Neither";
  return name + (with.log == LogKind::write_ahead ? "OnDisk" : "");
}

// INSTANTIATE_TEST_SUITE_P(With, Election, in_every_combination, name_of_combination);
inline const auto in_every_combination = ::testing::ValuesIn(combinations());
inline const auto in_every_combination_on_every_log = ::testing::ValuesIn(combinations(every_log));

class Scenario : public ::testing::TestWithParam<Combination> {
 protected:
  [[nodiscard]] static bool pre_vote() { return GetParam().pre_vote; }
  [[nodiscard]] static bool check_quorum() { return GetParam().check_quorum; }

  // A cluster of so many, in the combination that is tested.
  [[nodiscard]] static WorldOptions nodes(std::size_t count) {
    WorldOptions options;
    options.nodes = count;
    options.pre_vote = pre_vote();
    options.check_quorum = check_quorum();
    options.log = GetParam().log;
    return options;
  }
};

}  // namespace keel::sim::test
