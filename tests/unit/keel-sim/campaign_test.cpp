#include "keel-sim/campaign.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace keel::sim {
namespace {

// A single node can be cut off from nobody: a campaign of such runs that claims to test partitions must not pass.
TEST(Coverage, ACampaignThatNeverReachesItsFaultsFails) {
  const Profile empty{"empty", "", 1, 1, Fault::partitions};
  const CampaignOptions options{.profile = &empty, .seeds = 100, .jobs = 2};
  const CampaignReport report = run_campaign(options);
  EXPECT_EQ(report.seeds, 100u);
  EXPECT_EQ(report.failed, 0u);
  const auto missing = never_reached(options, report);
  const auto lacks = [&](std::string_view name) { return std::ranges::find(missing, name) != missing.end(); };
  EXPECT_TRUE(lacks("faults: messages cut off"));
  EXPECT_TRUE(lacks("event: EntriesTruncated"));
  EXPECT_TRUE(lacks("message: AppendReply"));
  EXPECT_FALSE(lacks("commands: acknowledged"));
  EXPECT_FALSE(lacks("role: leader"));
}

TEST(Coverage, FewSeedsShowNothing) {
  CampaignReport report;
  report.seeds = 99;
  EXPECT_TRUE(never_reached({.profile = find_profile("storm")}, report).empty());
  report.seeds = 100;
  const std::size_t soon = never_reached({.profile = find_profile("storm")}, report).size();
  report.seeds = 2000;
  EXPECT_GT(soon, 50u);
  EXPECT_GT(never_reached({.profile = find_profile("storm")}, report).size(), soon);
}

// hazard: H60
TEST(Twice, EachSeedIsComparedByteForByte) {
  const CampaignOptions options{.profile = find_profile("storm"), .seeds = 3, .twice = true};
  const CampaignReport report = run_campaign(options);
  EXPECT_EQ(report.failed, 0u);
  EXPECT_GT(report.compared_lines, 10'000u);
}

}  // namespace
}  // namespace keel::sim
