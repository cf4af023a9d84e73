#include "walk.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace keel::test {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// hazard: H1 H2 H3 H5 H8 H9 H12 H13 H14 H34 H42 H43 H57  scenario: X-01  mission: 1.1
// More by hand: KEEL_WALK_FROM=1 KEEL_WALK_SEEDS=20000 KEEL_WALK_STEPS=5000 unit_raft --gtest_filter=Walk.*
TEST(Walk, WhateverHappensTheInvariantsHoldAndPeaceBringsALeader) {
  const std::uint64_t from = from_environment("KEEL_WALK_FROM", 1);
  const std::uint64_t seeds = from_environment("KEEL_WALK_SEEDS", 300);
  const auto steps = static_cast<int>(from_environment("KEEL_WALK_STEPS", 4000));
  std::size_t committed = 0;
  std::size_t leaders = 0;
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    Walk walk(seed);
    try {
      walk.storm(steps);
      walk.peace();
    } catch (const std::exception& broken) {
      ADD_FAILURE() << "seed " << seed << ", step " << walk.at() << ": " << broken.what();
    }
    committed += walk.group.watch.ledger().size();
    leaders += walk.group.watch.leaders().size();
  }
  EXPECT_GT(committed, 10 * seeds) << "the storm was too strong to show anything";
  EXPECT_GT(leaders, 2 * seeds);
}

}  // namespace
}  // namespace keel::test
