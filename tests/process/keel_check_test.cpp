// keel-check as a program: its flags, what it prints, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.hpp"

namespace keel::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Ended check(std::vector<std::string> flags) {
  flags.insert(flags.begin(), KEEL_APP_KEEL_CHECK);
  return run_to_end(std::move(flags), std::chrono::steady_clock::now() + std::chrono::seconds(120));
}

TEST(KeelCheck, FinishesASmallSpace) {
  const Ended ended = check({"--nodes", "2", "--terms", "1", "--inflight", "2", "--memory", "64M"});
  EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("keel-check --nodes 2 --terms 1 --inflight 2 --elections 3"));
  EXPECT_THAT(ended.out, HasSubstr("4142 distinct states"));
  EXPECT_THAT(ended.out, HasSubstr("for two having one hash, with a probability of"));
  EXPECT_THAT(ended.out, HasSubstr("finished: no violation within these bounds"));
}

TEST(KeelCheck, PrintsAViolationAsScenarioAndTest) {
  const Ended ended =
      check({"--nodes", "2", "--terms", "1", "--reads", "1", "--planted", "old-read-index", "--memory", "64M"});
  EXPECT_EQ(ended.status, std::optional(1)) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("VIOLATION, and the shortest way to it:\n\n  1. node "));
  EXPECT_THAT(ended.out, HasSubstr("confirms read 1 with index 1, but index 2 was committed before it was asked for"));
  EXPECT_THAT(ended.out, HasSubstr("TEST(Found, GiveItAName) {"));
}

TEST(KeelCheck, NamesAWrongFlagAndWhatIsAllowed) {
  const auto complains = [](std::vector<std::string> flags, const char* complaint) {
    const Ended ended = check(std::move(flags));
    EXPECT_EQ(ended.status, std::optional(2)) << complaint;
    EXPECT_THAT(ended.err, HasSubstr(complaint));
    EXPECT_THAT(ended.out, IsEmpty());
  };
  complains({"--nodes", "9"}, "keel-check: --nodes is 9; it must be from 1 to 5");
  complains({"--reads", "9"}, "keel-check: --reads is 9; it must be from 0 to 4");
  complains({"--memory", "4T"}, "keel-check: --memory is '4T'; it must be a whole number of bytes");
  complains({"--nodes", "two"}, "--nodes");
  complains({"--crashs", "1"}, "--crashs");
  complains({"--planted", "nonsense"}, "--planted: nonsense not in {");
}

TEST(KeelCheck, SaysWhatWasNotEnough) {
  const Ended full = check({"--terms", "3", "--memory", "1M"});
  EXPECT_EQ(full.status, std::optional(3)) << full.err;
  EXPECT_THAT(full.out, HasSubstr("not finished: memory full ("));
  const Ended late = check({"--terms", "3", "--memory", "64M", "--seconds", "0.000001"});
  EXPECT_EQ(late.status, std::optional(4)) << late.err;
  EXPECT_THAT(late.out, HasSubstr("not finished: out of time; no violation so far, none within "));
}

}  // namespace
}  // namespace keel::test
