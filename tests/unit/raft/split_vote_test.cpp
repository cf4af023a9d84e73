#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

VoteReply chose(std::uint64_t whom) { return {.refusal = Refusal::voted_for_another, .voted_for = NodeId(whom)}; }
// Node 1 of so many, a candidate of term 2 with its own vote alone.
Lone candidate(std::uint64_t voters, bool detection = true) {
  Lone node(
      {}, {Term(1), nobody},
      [&](RaftOptions& o) {
        o.pre_vote = false;
        o.split_vote_detection = detection;
      },
      voters);
  node.fire(Timer::election);
  return node;
}

// mission: 1.9  scenario: E-05  Three voters, three candidates: nobody can win, and the next round comes early.
TEST(SplitVote, IsRecognisedAndRetriedEarly) {
  Lone node = candidate(3);
  const Instant due = *node.raft->next_deadline();
  node.receive(2, 2, chose(2));
  EXPECT_EQ(node.count<SplitVote>(), 0u) << "node 3 may still choose either";
  EXPECT_EQ(node.raft->next_deadline(), due);
  node.receive(3, 2, chose(3));
  EXPECT_EQ(node.count<SplitVote>(), 1u);
  EXPECT_LT(*node.raft->next_deadline(), node.now + 500ms);
  EXPECT_LT(*node.raft->next_deadline(), due);
}

// mission: 1.9  One has a majority: nobody hurries, its heartbeat is under way.
TEST(SplitVote, ALostElectionIsNoSplitOne) {
  Lone node = candidate(3);
  const Instant due = *node.raft->next_deadline();
  node.receive(2, 2, chose(2));
  node.receive(3, 2, chose(2));
  EXPECT_EQ(node.count<SplitVote>(), 0u);
  EXPECT_EQ(node.raft->next_deadline(), due);
}

// mission: 1.9  A refusal that names nobody leaves that voter free for another.
TEST(SplitVote, AVoterThatChoseNobodyMayStillDecide) {
  Lone node = candidate(3);
  node.receive(2, 2, VoteReply{.refusal = Refusal::log_behind});
  node.receive(3, 2, chose(3));
  EXPECT_EQ(node.count<SplitVote>(), 0u) << "node 2 may yet choose node 3";
}

// mission: 1.9  Five voters: two, two, and one for each: told once, whatever comes behind.
TEST(SplitVote, IsToldOnce) {
  Lone node = candidate(5);
  node.receive(2, 2, VoteReply{.granted = true});
  node.receive(3, 2, chose(3));
  node.receive(4, 2, chose(3));
  EXPECT_EQ(node.count<SplitVote>(), 0u) << "node 5 decides for node 3, or nobody wins";
  node.receive(5, 2, chose(5));
  node.receive(5, 2, chose(5));
  EXPECT_EQ(node.count<SplitVote>(), 1u);
}

TEST(SplitVote, CanBeTurnedOff) {
  Lone node = candidate(3, false);
  const Instant due = *node.raft->next_deadline();
  node.receive(2, 2, chose(2));
  node.receive(3, 2, chose(3));
  EXPECT_EQ(node.count<SplitVote>(), 0u);
  EXPECT_EQ(node.raft->next_deadline(), due);
}

// scenario: E-05  All candidates at once, again and again: with detection a leader is there sooner.
TEST(SplitVote, ALeaderIsThereSooner) {
  std::array<Duration, 2> taken{};
  for (const bool detection : {false, true}) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Group group(5, [&](RaftOptions& o) {
        o.pre_vote = false;
        o.split_vote_detection = detection;
        o.seed = seed * 100 + o.id.value();
      });
      for (std::uint64_t id : {1, 2, 3, 4, 5})
        group.fire(id, Timer::election);
      const Instant begun = group.now;
      const auto led = [&] {
        return std::ranges::any_of(group.nodes,
                                   [](const auto& n) { return n.second.raft->role() == RoleName::leader; });
      };
      group.settle();
      while (!led())
        group.run(10ms);
      taken[detection ? 1 : 0] += group.now - begun;
    }
  }
  EXPECT_LT(2 * taken[1], taken[0]) << taken[1].count() << " ns with, " << taken[0].count() << " ns without";
}

}  // namespace
}  // namespace keel::test
