#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

std::vector<bool> stalls(Group& group, std::uint64_t id) {
  std::vector<bool> all;
  for (const RaftEvent& event : group.node(id).events) {
    if (const auto* stalled = std::get_if<StorageStalled>(&event)) all.push_back(stalled->stalled);
  }
  return all;
}

// hazard: H53  scenario: D-05  It keeps its role and its followers for a while, then hands over.
TEST(Stall, ALeaderWhoseDiskHangsHandsOver) {
  Group group(3);
  group.elect(1);
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.run(3900ms);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader) << "heartbeats go on beside the disk";
  EXPECT_EQ(group.raft(1).term(), Term(2));
  group.run(500ms);
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  EXPECT_TRUE(group.raft(2).role() == RoleName::leader || group.raft(3).role() == RoleName::leader);
  EXPECT_EQ(stalls(group, 1), (std::vector{true}));
  ASSERT_FALSE(group.node(1).events.empty());
}

// hazard: H53  Nobody campaigns with such a disk, and everything works again once it moves.
TEST(Stall, AStalledNodeDoesNotCampaignAndRecovers) {
  Group group(3);
  group.elect(1);
  group.node(3).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.run(5s);
  ASSERT_EQ(stalls(group, 3), (std::vector{true}));
  group.run(10s, touching(3));
  EXPECT_EQ(group.raft(3).role(), RoleName::follower) << "though it hears nobody";
  group.node(3).instant_disk = true;
  group.finish_writes(std::uint64_t{3});
  EXPECT_EQ(stalls(group, 3), (std::vector{true, false}));
  group.run(1s);
  EXPECT_EQ(group.raft(3).commit(), group.raft(1).commit());
  group.crash(1);
  group.crash(2);
  group.restart(2);
  group.run(10s);
  EXPECT_TRUE(group.raft(2).role() == RoleName::leader || group.raft(3).role() == RoleName::leader);
}

// hazard: H40, H53  A leader that has fallen silent is forgotten also by those that cannot take its place: with a disk that
// hangs, or without a vote. Whoever waits for its word is told.
TEST(Stall, WhoMayNotCampaignForgetsADeadLeader) {
  Group group(make_genesis(
      "test",
      {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}, {.id = NodeId(4), .role = MemberRole::learner}}));
  group.elect(1);
  group.node(3).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.run(5s);
  ASSERT_EQ(stalls(group, 3), (std::vector{true}));
  group.crash(1);
  group.crash(2);
  for (std::uint64_t id : {3, 4}) {
    ASSERT_EQ(group.raft(id).leader(), NodeId(1));
    ASSERT_TRUE(group.raft(id).read(ReadId(1)));
  }
  group.run(3s);
  for (std::uint64_t id : {3, 4}) {
    EXPECT_EQ(group.raft(id).leader(), nobody) << id;
    EXPECT_EQ(group.raft(id).role(), RoleName::follower) << id;
    ASSERT_EQ(group.node(id).reads.size(), 1u) << id;
    EXPECT_EQ(group.node(id).reads[0].index, std::nullopt);
    EXPECT_EQ(group.raft(id).read(ReadId(2)).error().code, ErrorCode::no_leader);
    EXPECT_EQ(group.propose(id, "x").error().code, ErrorCode::no_leader);
  }
}

// hazard: H53
TEST(Stall, AFollowersFrozenDiskHasNoEffectOnTheOthers) {
  Group group(3);
  group.elect(1);
  group.node(3).instant_disk = false;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(group.propose(1, "x"));
    group.run(500ms);
  }
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).term(), Term(2));
  EXPECT_EQ(group.raft(1).commit(), Index(22));
  EXPECT_EQ(group.raft(3).leader(), NodeId(1)) << "its heartbeats are answered without the disk";
}

// hazard: H54  Nor has a slow state machine.
TEST(Stall, ASlowMachineHoldsUpNobody) {
  Group group(3);
  group.elect(1);
  group.node(1).instant_machine = group.node(2).instant_machine = false;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(group.propose(1, "x"));
    group.run(1s);
  }
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).term(), Term(2));
  EXPECT_EQ(group.raft(1).commit(), Index(12));
}

// A slow disk that moves is not a stalled one: it is the oldest write that counts.
TEST(Stall, ADiskThatMovesIsNotStalled) {
  Group group(3);
  group.elect(1);
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "x"));
  for (int i = 0; i < 6; ++i) {
    group.run(3s);
    ASSERT_TRUE(group.propose(1, "x"));
    group.finish_write(NodeId(1));  // there is always one under way, never for long
  }
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_TRUE(stalls(group, 1).empty());
}

TEST(Stall, NeverIsAnOption) {
  Group group(3, [](RaftOptions& o) { o.write_stall_timeout = Duration(0); });
  group.elect(1);
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.run(60s);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
}

// Alone, there is nobody to hand over to: it gives up its role, and takes it back when its disk moves.
TEST(Stall, OneNodeAlone) {
  Group group(1);
  group.fire(1, Timer::election);
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.run(5s);
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  group.node(1).instant_disk = true;
  group.finish_writes(std::uint64_t{1});
  group.run(3s);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).commit(), group.raft(1).log().last().index);
}

}  // namespace
}  // namespace keel::test
