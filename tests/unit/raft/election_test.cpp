#include <gtest/gtest.h>

#include "group.hpp"

namespace keel::test {
namespace {

// scenario: E-01
TEST(Election, ThreeNodesElectTheOneThatAsksAndCommitItsFirstEntry) {
  Group group(3);
  group.fire(1, Timer::election);
  group.settle();
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).term(), Term(2));
  EXPECT_TRUE(group.raft(1).status().ready);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.raft(id).commit(), Index(2)) << id;
}

TEST(Election, ACommandIsAppliedEverywhere) {
  Group group(3);
  group.fire(1, Timer::election);
  group.settle();
  ASSERT_TRUE(group.propose(1, "x=1"));
  group.settle();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.node(id).applied.back(), Index(3)) << id;
}

// scenario: E-20
TEST(Election, EveryNodeLeadsInTurn) {
  Group group(5);
  for (std::uint64_t id : {1, 2, 3, 4, 5}) {
    group.elect(id);
    EXPECT_EQ(group.raft(id).role(), RoleName::leader) << id;
    ASSERT_TRUE(group.propose(id, "by " + std::to_string(id)));
    group.settle();
  }
  for (std::uint64_t id : {1, 2, 3, 4, 5})
    EXPECT_EQ(group.raft(id).commit(), group.raft(5).commit()) << id;
}

}  // namespace
}  // namespace keel::test
