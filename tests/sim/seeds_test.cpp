#include <cstdlib>

#include <gtest/gtest.h>

#include "keel/sim/random_run.hpp"

namespace keel::sim {
namespace {

// Enough to reach everything that the profiles are for; fewer where each takes ten times as long.
#ifdef KEEL_SANITIZED
constexpr std::uint64_t fixed_seeds = 15;
constexpr std::uint64_t rotating_seeds = 5;
constexpr bool reaches_everything = false;
#else
constexpr std::uint64_t fixed_seeds = 100;
constexpr std::uint64_t rotating_seeds = 25;
constexpr bool reaches_everything = true;
#endif

class Seeds : public testing::TestWithParam<Profile> {
 protected:
  static void run(std::uint64_t from, std::uint64_t count, Counters& counters) {
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
      const RunReport report = run_seed(seed, GetParam());
      // Once more, and with its last events: to keep them takes about as long as the run.
      ASSERT_FALSE(report.failed) << "keel-sim --profile " << GetParam().name << " --seed " << seed << "\n"
                                  << run_seed(seed, GetParam(), {.tail = 40}).text;
      EXPECT_GE(report.simulated, std::chrono::seconds(60));
      counters.add(report.counters);
    }
  }
};

// Safety after every step, of the node that took it and between it and all others; at the end linearizable histories, each outcome true, recovery within the bound.
// mission: 1.1, 4y.4, R6, 3
// hazard: H1, H2, H3, H4, H5, H6, H7, H9, H12, H13, H14, H15, H16, H17, H18, H19, H33, H34, H43, H44, H53, H57, H58
// And what the profile is for did happen: a campaign is worth nothing else.
TEST_P(Seeds, Fixed) {
  Counters counters;
  run(1, fixed_seeds, counters);
  if (!reaches_everything) return;
  for (const std::string_view name : must_reach(GetParam(), fixed_seeds)) {
    EXPECT_GT(counters.of(name), 0u) << name;
  }
}

// Others every time: where they begin is told by KEEL_SEED_BASE, so that a failure can be had again.
TEST_P(Seeds, Rotating) {
  const char* base = std::getenv("KEEL_SEED_BASE");
  if (base == nullptr) GTEST_SKIP() << "KEEL_SEED_BASE is not set";
  Counters counters;
  run(std::stoull(base), rotating_seeds, counters);
}

// Each seed two times: the same run, byte for byte, read along or not.
// hazard: H60
// mission: 6f
TEST_P(Seeds, AreTheSameTwice) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    TailTrace first(1);
    TailTrace second(1);
    const RunReport a = run_seed(seed, GetParam(), {.sink = &first});
    const RunReport b = run_seed(seed, GetParam(), {.sink = &second});
    const RunReport unread = run_seed(seed, GetParam());
    EXPECT_EQ(first.digest(), second.digest());
    EXPECT_EQ(first.lines(), second.lines());
    EXPECT_EQ(a.digest, b.digest);
    EXPECT_EQ(a.digest, unread.digest);
    EXPECT_EQ(a.steps, unread.steps);
    EXPECT_EQ(a.counters.all(), b.counters.all());
  }
}

TEST_P(Seeds, DifferFromOneAnother) { EXPECT_NE(run_seed(1, GetParam()).digest, run_seed(2, GetParam()).digest); }

INSTANTIATE_TEST_SUITE_P(Of, Seeds, testing::ValuesIn(profiles()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace keel::sim
