#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

AppendReply holds(std::uint64_t index) { return {.accepted = true, .index = Index(index), .hint = {}}; }

// Figure 8 of the paper, up to (c): S1, leader of term 2, has put entry 2 on S2 alone; S5, leader of term 3, has another
// entry 2 that reached nobody; S1 leads again, in term 4, and now S3 holds its old entry as well. Appends of one entry.
class FigureEight : public testing::Test {
 protected:
  FigureEight() {
    lead(1, [](const Message& m) { return is<AppendRequest>(m) && m.to != NodeId(2); });
    group.crash(1);
    lead(5, of<AppendRequest>());
    group.crash(5);
    group.restart(1);
    lead(1, lose_own_entries());
    group.finish_fetch(1);  // its old entry, for S3
    group.settle(lose_own_entries());
  }
  // S1's entry of term 4 is lost where it would be accepted; nothing reaches S4.
  Group::Lost lose_own_entries() {
    return [this](const Message& m) {
      const auto* append = std::get_if<AppendRequest>(&m.body);
      if (append == nullptr) return false;
      const bool own = !append->entries.empty() && append->entries[0].term == m.term;
      if (!group.node(m.to.value()).raft) return true;
      return m.to == NodeId(4) || (own && group.raft(m.to.value()).log().has(append->previous));
    };
  }
  void lead(std::uint64_t id, const Group::Lost& lost) {
    group.run(1s, [](const Message&) { return true; });
    group.lose();
    for (int tries = 0; tries < 3 && group.raft(id).role() != RoleName::leader; ++tries) {
      group.fire(id, Timer::election);
      group.settle(lost);
    }
    if (group.raft(id).role() != RoleName::leader) throw std::logic_error("not elected");
  }

  Group group{5, [](RaftOptions& o) { o.max_append_entries = 1; }};
};

// hazard: H1  mission: 21
TEST_F(FigureEight, AnOldEntryOnAMajorityIsNotCommitted) {
  for (std::uint64_t id : {1, 2, 3})
    ASSERT_EQ(group.raft(id).log().term_at(Index(2)), Term(2)) << id;
  for (std::uint64_t id : {1, 2, 3, 4})
    EXPECT_LT(group.raft(id).commit(), Index(2)) << id;
  group.crash(1);  // (d) S5 wins with S3 and S4, for its entry is of term 3, and overwrites the old one
  group.restart(5);
  lead(5, {});
  group.finish_fetches(5);
  for (std::uint64_t id : {2, 3, 4, 5})
    EXPECT_EQ(group.raft(id).log().term_at(Index(2)), Term(3)) << id;
}

// hazard: H1  mission: 21
TEST_F(FigureEight, AnEntryOfItsOwnTermCommitsBoth) {
  group.run(500ms, [](const Message& m) { return m.to == NodeId(4); });
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.raft(id).commit(), Index(3)) << id;
  group.crash(1);  // (e) S5 cannot win any more
  group.restart(5);
  group.fire(5, Timer::election);
  group.settle();
  group.run(5s);
  EXPECT_EQ(group.raft(5).log().term_at(Index(2)), Term(2));
}

// hazard: H1  Match indices against terms: an older term's entry on every node is not committed by counting.
TEST(Commit, OnlyEntriesOfThisTermAreCommittedByCounting) {
  Lone node({2, 3, 3}, {Term(3), nobody}, {}, 5);
  node.fire(Timer::election);
  for (std::uint64_t voter : {2, 3})
    node.receive(voter, 4, VoteReply{.pre_vote = true, .granted = true});
  for (std::uint64_t voter : {2, 3})
    node.receive(voter, 4, VoteReply{.granted = true});
  ASSERT_EQ(node.raft->log().last(), Lone::at(5, 4));
  for (std::uint64_t peer : {2, 3, 4, 5}) {
    node.receive(peer, 4, holds(4));
    EXPECT_EQ(node.raft->commit(), Index(0)) << peer;
  }
  node.receive(2, 4, holds(5));
  EXPECT_EQ(node.raft->commit(), Index(0)) << "two of five";
  node.receive(3, 4, holds(5));
  EXPECT_EQ(node.raft->commit(), Index(5)) << "with it, all before";
}

// hazard: H2  The leader's own log counts only when it is durable here.
TEST(Commit, ALeaderCountsItselfOnlyWhenItsWriteIsDurable) {
  Group group(3);
  group.elect(1);
  const Index before = group.raft(1).commit();
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle(touching(3));
  EXPECT_EQ(group.raft(1).commit(), before) << "node 2 has it, node 1 does not yet";
  group.finish_writes(std::uint64_t{1});
  EXPECT_EQ(group.raft(1).commit(), before.next());
}

// hazard: H2  Beside its own disk's work: a majority of others is enough, but here nothing is applied before durable.
TEST(Commit, TheOthersCommitWithoutTheLeadersDisk) {
  Group group(3);
  group.elect(1);
  const Index before = group.raft(1).commit();
  group.node(1).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle();
  EXPECT_EQ(group.raft(1).commit(), before.next());
  EXPECT_EQ(group.node(1).applied.back(), before);
  EXPECT_EQ(group.node(2).applied.back(), before.next());
  group.finish_writes(std::uint64_t{1});
  EXPECT_EQ(group.node(1).applied.back(), before.next());
}

// hazard: H41  scenario: E-17
TEST(Commit, OneNodeCommitsOnlyWhatIsDurable) {
  Group group(1);
  group.node(1).instant_disk = false;
  group.fire(1, Timer::election);
  EXPECT_EQ(group.raft(1).role(), RoleName::candidate) << "its own vote is not durable";
  group.finish_write(NodeId(1));
  group.pump(NodeId(1));
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).commit(), Index(0));
  group.finish_writes(std::uint64_t{1});
  EXPECT_EQ(group.raft(1).commit(), Index(2));
  ASSERT_TRUE(group.propose(1, "a"));
  EXPECT_EQ(group.raft(1).commit(), Index(2));
  group.crash(1);
  group.restart(1);
  EXPECT_EQ(group.raft(1).log().last().index, Index(2)) << "and nobody was told that it was there";
}

// hazard: H9  mission: 21  Nothing is taken for committed after a restart until a leader says so.
TEST(Commit, ARestartedNodeWaitsForALeader) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle();
  const Index committed = group.raft(1).commit();
  for (std::uint64_t id : {1, 2, 3}) {
    group.crash(id);
    group.restart(id);
    EXPECT_EQ(group.raft(id).commit(), Index(0));
    EXPECT_TRUE(group.node(id).applied.empty());
  }
  group.elect(2);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_GT(group.raft(id).commit(), committed) << id;
}

// mission: 21  scenario: C-19  The term-start entry commits what was inherited, though its first broadcast is lost.
TEST(Commit, ANewLeaderCommitsWhatItInheritedWithoutClients) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle([](const Message& m) { return is<AppendReply>(m) || is<Heartbeat>(m); });
  group.crash(1);
  group.lose();
  group.run(1s, [](const Message&) { return true; });
  group.lose();
  group.fire(2, Timer::election);
  group.settle(of<AppendRequest>());
  ASSERT_EQ(group.raft(2).role(), RoleName::leader);
  group.run(300ms);
  EXPECT_EQ(group.raft(2).commit(), Index(4));
  EXPECT_EQ(group.node(3).applied.back(), Index(4));
}

// hazard: H9  What is applied follows on, each entry once.
TEST(Commit, EveryEntryIsHandedOverOnceInOrder) {
  Group group(3);
  group.elect(1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(group.propose(1, "x"));
    if (i % 3 == 0) group.settle();
  }
  group.settle();
  for (std::uint64_t id : {1, 2, 3}) {
    ASSERT_EQ(group.node(id).applied.size(), 22u) << id;
    for (std::size_t i = 0; i < 22; ++i)
      EXPECT_EQ(group.node(id).applied[i], Index(i + 1));
  }
}

// scenario: E-02  With eager notices followers commit at once; without, with the next heartbeat.
TEST(Commit, FollowersLearnOfItAtOnceOrWithTheNextHeartbeat) {
  for (const bool eager : {true, false}) {
    Group group(5, [&](RaftOptions& o) { o.eager_commit = eager; });
    group.elect(1);
    const Index before = group.raft(1).commit();
    ASSERT_TRUE(group.propose(1, "a"));
    group.settle();
    ASSERT_EQ(group.raft(1).commit(), before.next());
    EXPECT_EQ(group.raft(5).commit() == before.next(), eager);
    group.run(200ms);
    EXPECT_EQ(group.raft(5).commit(), before.next());
  }
}

// scenario: C-16b  A's entry is overwritten on A by C, leader of term 3; then B, who has it, leads and commits it.
TEST(Commit, AnEntryTruncatedInOneLogMayStillBeCommittedByAnother) {
  Group group(5);
  const auto campaign = [&](std::uint64_t id, const Group::Lost& lost) {
    group.run(1s, [](const Message&) { return true; });
    group.lose();
    for (int tries = 0; tries < 3 && group.raft(id).role() != RoleName::leader; ++tries) {
      group.fire(id, Timer::election);
      group.settle(lost);
    }
    ASSERT_EQ(group.raft(id).role(), RoleName::leader);
  };
  group.elect(1);
  const auto position = group.propose(1, "a");
  group.settle([](const Message& m) { return is<AppendRequest>(m) && m.to != NodeId(2); });
  group.crash(2);
  group.lose();
  campaign(3, [](const Message& m) { return is<AppendRequest>(m) && m.to != NodeId(1); });
  ASSERT_NE(group.raft(1).log().term_at(position->index), position->term) << "gone from node 1";
  group.crash(3);
  group.restart(2);
  campaign(2, touching(1));
  group.finish_fetches(2);  // for nodes 4 and 5; then for node 1
  group.run(500ms);
  group.finish_fetches(2);
  for (std::uint64_t id : {1, 2, 4, 5}) {
    EXPECT_GE(group.raft(id).commit(), position->index) << id;
    EXPECT_EQ(group.raft(id).log().term_at(position->index), position->term) << id;
  }
}

}  // namespace
}  // namespace keel::test
