#include "keel-check/bounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::check {
namespace {

using testing::HasSubstr;

std::string complaint(const Bounds& bounds) {
  const Result<void> good = validate(bounds);
  return good ? "" : good.error().message;
}

TEST(Bounds, TheDefaultsAreGood) { EXPECT_EQ(complaint({}), ""); }

TEST(Bounds, EachIsNamedWithWhatIsAllowed) {
  EXPECT_EQ(complaint({.nodes = 0}), "--nodes is 0; it must be from 1 to 5");
  EXPECT_EQ(complaint({.nodes = 6}), "--nodes is 6; it must be from 1 to 5");
  EXPECT_EQ(complaint({.terms = 8}), "--terms is 8; it must be from 1 to 7");
  EXPECT_EQ(complaint({.inflight = 33}), "--inflight is 33; it must be from 1 to 32");
  EXPECT_EQ(complaint({.nodes = 2, .learners = 2}), "--learners is 2; it must be from 0 to 1");
  Bounds bounds;
  bounds.of(Budget::crashes) = 16;
  EXPECT_EQ(complaint(bounds), "--crashes is 16; it must be from 0 to 15");
  bounds.of(Budget::crashes) = 15;
  bounds.of(Budget::reads) = 5;
  EXPECT_EQ(complaint(bounds), "--reads is 5; it must be from 0 to 4");
  bounds.of(Budget::reads) = 4;
  bounds.of(Budget::quorum_checks) = 1;
  bounds.check_quorum = false;
  EXPECT_THAT(complaint(bounds), HasSubstr("--quorum-checks and --no-check-quorum contradict"));
  EXPECT_THAT(complaint({.memory = 1000}), HasSubstr("--memory is 1000 bytes; it must be 1M at least"));
  EXPECT_THAT(complaint({.seconds = -1}), HasSubstr("--seconds"));
}

TEST(Bounds, MemoryHasUnits) {
  EXPECT_EQ(parse_memory("4G"), std::uint64_t{4} << 30);
  EXPECT_EQ(parse_memory("512M"), std::uint64_t{512} << 20);
  EXPECT_EQ(parse_memory("2048K"), std::uint64_t{2} << 20);
  EXPECT_EQ(parse_memory("1048576"), std::uint64_t{1} << 20);
  for (const char* wrong : {"", "G", "four", "4T", "4 G", "-1", "99999999999999999999", "18446744073709551615G"}) {
    const Result<std::uint64_t> bytes = parse_memory(wrong);
    ASSERT_FALSE(bytes) << wrong;
    EXPECT_THAT(bytes.error().message, HasSubstr("--memory is '" + std::string(wrong) + "'")) << wrong;
  }
}

TEST(Bounds, AreRepeatedAsFlags) {
  EXPECT_EQ(flags_of({.nodes = 2,
                      .learners = 1,
                      .terms = 1,
                      .inflight = 4,
                      .budgets = {1, 2, 3, 4, 5, 6, 7, 4, 9, 10, 11, 12, 13, 14},
                      .pre_vote = false}),
            "--nodes 2 --learners 1 --terms 1 --inflight 4 --elections 1 --heartbeats 2 --quorum-checks 3 --stalls 4 "
            "--transfers 5 "
            "--step-downs 6 --unreachables 7 --reads 4 --commands 9 --losses 10 --duplicates 11 --crashes 12 "
            "--late-notices 13 --lost-tails 14 --no-pre-vote");
}

}  // namespace
}  // namespace keel::check
