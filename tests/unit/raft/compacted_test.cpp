// Every log is empty behind a snapshot: there is no entry to compare or to vote by, only the base.
#include <gtest/gtest.h>

#include "group.hpp"

namespace keel::test {
namespace {

// Three nodes with the same log, compacted to its end, started anew.
void compact_everything(Group& group) {
  group.elect(1);
  for (const char* text : {"a", "b", "c"})
    ASSERT_TRUE(group.propose(1, text).has_value());
  group.settle();
  group.run(std::chrono::seconds(1));
  const Index end = group.raft(1).log().last().index;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    group.crash(id);
    ASSERT_EQ(group.node(id).disk.last(), end);
    group.node(id).disk.compact(end);
  }
  for (std::uint64_t id = 1; id <= 3; ++id)
    group.restart(id);
  ASSERT_EQ(group.raft(2).log().first(), end.next());
}

// scenario: E-18
// mission: 1.4
TEST(Compacted, ALeaderIsElectedByBasesAloneAndCommits) {
  for (const bool pre_vote : {true, false}) {
    Group group(3, [pre_vote](RaftOptions& options) { options.pre_vote = pre_vote; });
    compact_everything(group);
    const Index end = group.raft(2).log().last().index;
    group.elect(2);
    ASSERT_EQ(group.raft(2).role(), RoleName::leader);
    ASSERT_TRUE(group.propose(2, "d").has_value());
    group.settle();
    group.run(std::chrono::seconds(1));
    for (std::uint64_t id = 1; id <= 3; ++id) {
      EXPECT_EQ(group.raft(id).commit(), end + 2);
      EXPECT_EQ(group.node(id).applied, (std::vector<Index>{end + 1, end + 2}));
    }
  }
}

// scenario: E-18
TEST(Compacted, ABaseIsComparedLikeAnEntry) {
  Group group(3);
  compact_everything(group);
  const LogPosition base = group.raft(1).log().base();
  const Term next = group.raft(1).term() + 1;
  const auto asks = [&](LogPosition last) {
    group.raft(1).receive({.group = {},
                           .from = NodeId(2),
                           .to = NodeId(1),
                           .term = next,
                           .body = VoteRequest{.pre_vote = true, .last = last}});
    group.pump(NodeId(1));
    const Message answer = group.network.back();
    group.network.clear();
    return std::get<VoteReply>(answer.body).granted;
  };
  group.now += std::chrono::seconds(5);  // nobody hears a leader
  EXPECT_FALSE(asks({base.term, base.index.previous()}));
  EXPECT_FALSE(asks({base.term.previous(), base.index + 5}));
  EXPECT_TRUE(asks(base));
}

}  // namespace
}  // namespace keel::test
