#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

HeartbeatReply round(std::uint64_t number) { return {.round = number}; }
AppendReply holds(std::uint64_t index) { return {.accepted = true, .index = Index(index), .hint = {}}; }

// A leader of three whose term-start entry, index 2, is committed.
Lone ready_leader(const std::function<void(RaftOptions&)>& adjust = {}, std::uint64_t voters = 3) {
  Lone node({}, {Term(1), nobody}, adjust, voters);
  node.fire(Timer::election);
  for (std::uint64_t id = 2; id <= voters; ++id)
    node.receive(id, 2, VoteReply{.pre_vote = true, .granted = true});
  for (std::uint64_t id = 2; id <= voters; ++id)
    node.receive(id, 2, VoteReply{.granted = true});
  for (std::uint64_t id = 2; id <= voters; ++id)
    node.receive(id, 2, holds(2));
  return node;
}
std::uint64_t ask(Lone& node, std::uint64_t id) {
  EXPECT_TRUE(node.raft->read(ReadId(id)));
  return all<Heartbeat>(node.turn()).front().round;
}

// scenario: R-01
TEST(Read, AtTheLeaderTakesOneRoundAndNoEntry) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle();
  const Index last = group.raft(1).log().last().index;
  ASSERT_TRUE(group.raft(1).read(ReadId(1)));
  group.pump(NodeId(1));
  EXPECT_TRUE(group.node(1).reads.empty());
  group.settle();
  ASSERT_EQ(group.node(1).reads.size(), 1u);
  EXPECT_EQ(group.node(1).reads[0].index, last);
  EXPECT_EQ(group.raft(1).log().last().index, last);
}

// scenario: R-01  The same at a follower, and at a learner.
TEST(Read, AtAFollowerAsksTheLeader) {
  Genesis genesis = make_genesis(
      "test",
      {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}, {.id = NodeId(4), .role = MemberRole::learner}});
  Group group(genesis);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle();
  for (std::uint64_t id : {3, 4}) {
    ASSERT_TRUE(group.raft(id).read(ReadId(id)));
    group.pump(NodeId(id));
    group.settle();
    ASSERT_EQ(group.node(id).reads.size(), 1u) << id;
    EXPECT_EQ(group.node(id).reads[0].index, group.raft(1).commit()) << id;
  }
}

// hazard: H33  scenario: R-03
TEST(Read, WaitsForTheFirstCommitOfTheTerm) {
  Lone node({1}, {Term(1), nobody});
  node.lead();
  ASSERT_TRUE(node.raft->read(ReadId(1)));
  EXPECT_TRUE(node.turn().empty());
  node.receive(2, 2, round(0));
  EXPECT_TRUE(node.reads.empty());
  const auto left = node.receive(2, 2, holds(3));
  ASSERT_EQ(all<Heartbeat>(left).size(), 2u) << "a round to each, which tells of the commit too";
  node.receive(2, 2, round(1));
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].index, Index(3));
}

// hazard: H34  Only a round that began after the read was asked for confirms it, however often an older one is answered.
TEST(Read, AnOlderRoundConfirmsNothing) {
  Lone node = ready_leader();
  const std::uint64_t first = ask(node, 1);
  const std::uint64_t second = ask(node, 2);
  ASSERT_GT(second, first);
  for (int i = 0; i < 3; ++i)
    node.receive(2, 2, round(first));
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].id, ReadId(1));
  node.receive(3, 2, round(second));
  ASSERT_EQ(node.reads.size(), 2u);
  EXPECT_EQ(node.reads[1].id, ReadId(2));
}

// hazard: H34  A round that was never begun is nobody's to answer.
TEST(Read, ARoundFromTheFutureIsNotBelieved) {
  Lone node = ready_leader();
  const std::uint64_t now = ask(node, 1);
  node.receive(2, 2, round(now + 1));
  EXPECT_TRUE(node.reads.empty());
  ask(node, 2);
  EXPECT_TRUE(node.reads.empty()) << "and is not remembered for later";
}

// The index is what was committed when the round began, not when the read was asked for or answered.
TEST(Read, TheIndexIsTheCommitAtTheRoundsBeginning) {
  Lone node = ready_leader();
  const std::uint64_t now = ask(node, 1);
  ASSERT_TRUE(node.propose("later"));
  node.turn();
  node.receive(2, 2, holds(3));
  ASSERT_EQ(node.raft->commit(), Index(3));
  node.receive(2, 2, round(now));
  EXPECT_EQ(node.reads[0].index, Index(2));
}

// hazard: H35
TEST(Read, AMajorityOfVotersConfirmsTheLeaderCountedOnce) {
  Lone node = ready_leader({}, 5);
  const std::uint64_t now = ask(node, 1);
  node.receive(2, 2, round(now));
  node.receive(2, 2, round(now));
  EXPECT_TRUE(node.reads.empty()) << "two of five, one of them twice";
  node.receive(3, 2, round(now));
  EXPECT_EQ(node.reads.size(), 1u);
}

// hazard: H35
TEST(Read, LearnersConfirmNothing) {
  Group group(make_genesis("test", {{.id = NodeId(1)},
                                    {.id = NodeId(2)},
                                    {.id = NodeId(3)},
                                    {.id = NodeId(4), .role = MemberRole::learner},
                                    {.id = NodeId(5), .role = MemberRole::learner}}));
  group.elect(1);
  ASSERT_TRUE(group.raft(1).read(ReadId(1)));
  group.pump(NodeId(1));
  group.settle([](const Message& m) { return m.from == NodeId(2) || m.from == NodeId(3); });
  EXPECT_TRUE(group.node(1).reads.empty());
}

TEST(Read, OneRoundServesAllThatWait) {
  Lone node = ready_leader();
  for (std::uint64_t id = 1; id <= 100; ++id)
    ASSERT_TRUE(node.raft->read(ReadId(id)));
  const auto left = all<Heartbeat>(node.turn());
  EXPECT_EQ(left.size(), 2u);
  node.receive(2, 2, round(left[0].round));
  ASSERT_EQ(node.reads.size(), 100u);
  for (std::uint64_t id = 1; id <= 100; ++id)
    EXPECT_EQ(node.reads[id - 1].id, ReadId(id)) << "in their order";
}

// scenario: R-02
TEST(Read, AnIsolatedLeaderServesNone) {
  for (const bool check_quorum : {true, false}) {
    Group group(3, [&](RaftOptions& o) { o.check_quorum = o.stickiness = check_quorum; });
    group.elect(1);
    ASSERT_TRUE(group.raft(1).read(ReadId(1)));
    group.pump(NodeId(1));
    group.run(10s, touching(1));
    for (const ReadReady& read : group.node(1).reads)
      EXPECT_FALSE(read.index);
    EXPECT_EQ(group.node(1).reads.size(), check_quorum ? 1u : 0u) << "told when it gives up its role";
    group.run(3s);
    ASSERT_EQ(group.node(1).reads.size(), 1u) << "or when another leads";
    EXPECT_FALSE(group.node(1).reads[0].index);
  }
}

TEST(Read, NeedsALeader) {
  Lone node({}, {Term(1), nobody});
  EXPECT_EQ(node.raft->read(ReadId(1)).error().code, ErrorCode::no_leader);
  node.fire(Timer::election);
  EXPECT_EQ(node.raft->read(ReadId(2)).error().code, ErrorCode::no_leader);
}

// hazard: H40 H52
TEST(Read, SoManyMayWaitAndNoMore) {
  const auto few = [](RaftOptions& o) { o.max_pending_reads = 3; };
  Lone leader = ready_leader(few);
  Lone follower({}, {Term(1), nobody}, few);
  follower.receive(2, 2, Heartbeat{.commit = {}, .round = 1});
  for (Lone* node : {&leader, &follower}) {
    for (std::uint64_t id = 1; id <= 3; ++id)
      ASSERT_TRUE(node->raft->read(ReadId(id)));
    EXPECT_EQ(node->raft->read(ReadId(4)).error().code, ErrorCode::overloaded);
  }
  leader.turn();
  const auto answer = only<ReadIndexReply>(leader.receive(3, 2, ReadIndexRequest{9}));
  EXPECT_FALSE(answer.confirmed) << "a follower's question counts as one";
  EXPECT_EQ(answer.context, 9u);
}

// hazard: H40 H57
TEST(Read, WhoWaitsIsToldWhenTheRoleIsLost) {
  Lone leader = ready_leader();
  ask(leader, 1);
  leader.receive(2, 3, Heartbeat{.commit = {}, .round = 1});
  ASSERT_EQ(leader.reads.size(), 1u);
  EXPECT_FALSE(leader.reads[0].index);
  Lone follower({}, {Term(1), nobody});
  follower.receive(2, 2, Heartbeat{.commit = {}, .round = 1});
  ASSERT_TRUE(follower.raft->read(ReadId(1)));
  follower.turn();
  follower.receive(3, 3, Heartbeat{.commit = {}, .round = 1});
  ASSERT_EQ(follower.reads.size(), 1u);
  EXPECT_FALSE(follower.reads[0].index);
  ASSERT_TRUE(follower.raft->read(ReadId(2)));
  follower.fire(Timer::election);
  EXPECT_EQ(follower.reads.size(), 2u) << "or when one campaigns";
}

class AtAFollower : public testing::Test {
 protected:
  AtAFollower() : node({}, {Term(2), nobody}) { beat(); }
  std::vector<Message> beat() { return node.receive(2, 2, Heartbeat{.commit = {}, .round = 1}); }
  std::uint64_t ask(std::uint64_t id) {
    EXPECT_TRUE(node.raft->read(ReadId(id)));
    return only<ReadIndexRequest>(node.turn()).context;
  }
  void answer(std::uint64_t context, std::uint64_t index) {
    node.receive(2, 2, ReadIndexReply{.context = context, .confirmed = true, .index = Index(index)});
  }
  Lone node;
};

TEST_F(AtAFollower, AsksAgainWhenNoAnswerComes) {
  const std::uint64_t context = ask(1);
  EXPECT_TRUE(all<ReadIndexRequest>(beat()).empty());
  node.advance(200ms);
  const auto again = all<ReadIndexRequest>(beat());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_NE(again[0].context, context);
  EXPECT_TRUE(all<ReadIndexRequest>(beat()).empty()) << "once";
  answer(again[0].context, 5);
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].index, Index(5));
}

// A group whose round takes longer than our patience: the answer to the first question still counts.
TEST_F(AtAFollower, ALateAnswerToAnEarlierQuestionCounts) {
  const std::uint64_t context = ask(1);
  for (int i = 0; i < 5; ++i) {
    node.advance(200ms);
    beat();
  }
  answer(context, 5);
  EXPECT_EQ(node.reads.size(), 1u);
}

// hazard: H34  An answer serves what was asked for before it, never what came after; repeated, nobody.
TEST_F(AtAFollower, AnAnswerServesOnlyWhatWasAskedBefore) {
  const std::uint64_t first = ask(1);
  const std::uint64_t second = ask(2);
  answer(first, 5);
  answer(first, 5);
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].id, ReadId(1));
  answer(second + 1, 4);
  EXPECT_EQ(node.reads.size(), 1u) << "a question never asked";
  answer(second, 6);
  ASSERT_EQ(node.reads.size(), 2u);
  EXPECT_EQ(node.reads[1].index, Index(6));
}

// hazard: H34  The question of an earlier life: the process restarted, its numbers did not.
TEST_F(AtAFollower, AnAnswerToAnEarlierLifeServesNobody) {
  const std::uint64_t old = ask(1);
  node.start();
  beat();
  const std::uint64_t mine = ask(1);
  EXPECT_NE(mine, old);
  answer(old, 3);
  EXPECT_TRUE(node.reads.empty());
  answer(mine, 5);
  EXPECT_EQ(node.reads.size(), 1u);
}

TEST_F(AtAFollower, AnswersOfOthersThanItsLeaderServeNobody) {
  const std::uint64_t context = ask(1);
  node.receive(3, 2, ReadIndexReply{.context = context, .confirmed = true, .index = Index(9)});
  node.receive(2, 1, ReadIndexReply{.context = context, .confirmed = true, .index = Index(9)});
  EXPECT_TRUE(node.reads.empty());
}

TEST_F(AtAFollower, ALeaderThatCannotTellIsPassedOn) {
  const std::uint64_t context = ask(1);
  node.receive(2, 2, ReadIndexReply{.context = context, .index = {}});
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_FALSE(node.reads[0].index);
}

// scenario: R-05
TEST(Read, DuringATransferAndAcrossALeaderChange) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.raft(1).transfer_leadership(NodeId(2)));
  ASSERT_TRUE(group.raft(1).read(ReadId(1)));
  ASSERT_TRUE(group.raft(3).read(ReadId(1)));
  group.pump(NodeId(1));
  group.pump(NodeId(3));
  group.settle();
  ASSERT_EQ(group.raft(2).role(), RoleName::leader);
  for (std::uint64_t id : {1, 3})
    EXPECT_EQ(group.node(id).reads.size(), 1u) << "confirmed or told to ask again";
  ASSERT_TRUE(group.raft(3).read(ReadId(2)));
  group.pump(NodeId(3));
  group.settle();
  ASSERT_EQ(group.node(3).reads.size(), 2u);
  EXPECT_EQ(group.node(3).reads[1].index, group.raft(2).commit());
}

// Reads everywhere at once settle down: a question answered leads to no other question.
TEST(Read, QuestionsEnd) {
  Group group(5);
  group.elect(1);
  for (std::uint64_t id : {2, 3, 4, 5}) {
    ASSERT_TRUE(group.raft(id).read(ReadId(1)));
    group.pump(NodeId(id));
    group.fire(1, Timer::heartbeat);
  }
  group.settle();
  for (std::uint64_t id : {2, 3, 4, 5})
    EXPECT_EQ(group.node(id).reads.size(), 1u) << id;
}

}  // namespace
}  // namespace keel::test
