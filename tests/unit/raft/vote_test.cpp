#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

void no_pre_vote(RaftOptions& options) { options.pre_vote = false; }
VoteRequest asks(LogPosition last) { return {.last = last}; }
VoteRequest rehearses(LogPosition last) { return {.pre_vote = true, .last = last}; }
const VoteReply granted{.granted = true};

// hazard: H12  scenario: E-06
TEST(Vote, ACandidateAsksOnlyWhenItsOwnVoteIsDurable) {
  Group group(3, no_pre_vote);
  group.node(1).instant_disk = false;
  group.fire(1, Timer::election);
  EXPECT_TRUE(group.network.empty());
  group.finish_write(NodeId(1));
  EXPECT_EQ(group.under_way(of<VoteRequest>()), 2u);
  EXPECT_EQ(group.node(1).disk.hard_state, (HardState{Term(2), NodeId(1)}));
}

// hazard: H12  scenario: E-06
TEST(Vote, AGrantLeavesOnlyWhenItIsDurable) {
  Group group(3, no_pre_vote);
  group.node(2).instant_disk = false;
  group.fire(1, Timer::election);
  group.deliver_first(of<VoteRequest>(1, 2));
  EXPECT_EQ(group.under_way(of<VoteReply>()), 0u);
  group.finish_write(NodeId(2));
  EXPECT_EQ(group.under_way(of<VoteReply>(2, 1)), 1u);
  EXPECT_EQ(group.node(2).disk.hard_state, (HardState{Term(2), NodeId(1)}));
}

// hazard: H12 H13  Two grants of two others are a majority of five only with one's own, and that is not durable yet.
TEST(Vote, OnesOwnVoteCountsOnlyWhenDurable) {
  Group group(5, no_pre_vote);
  group.fire(1, Timer::election);
  group.node(1).instant_disk = false;
  group.lose();
  group.fire(1, Timer::election);
  for (std::uint64_t voter : {2, 3})
    group.deliver({{}, NodeId(voter), NodeId(1), group.raft(1).term(), granted});
  EXPECT_EQ(group.raft(1).role(), RoleName::candidate);
  group.finish_writes(std::uint64_t{1});
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
}

// hazard: H13  scenario: PV-06
TEST(Vote, ALateOwnVoteAfterConcedingCountsForNothing) {
  Group group(3, no_pre_vote);
  group.node(1).instant_disk = false;
  group.fire(1, Timer::election);
  group.fire(2, Timer::election);
  group.settle();  // node 2 leads term 2
  ASSERT_EQ(group.raft(1).leader(), NodeId(2));
  group.finish_writes(std::uint64_t{1});
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  EXPECT_EQ(group.raft(1).leader(), NodeId(2));
}

// hazard: H7  A voter's no to a request of an earlier term, asked late, comes in the term of now; its yes to that term's
// own request still counts.
TEST(Vote, ANoToAnEarlierTermsRequestIsNoneToThisTerms) {
  Lone node({}, {Term(1), nobody}, no_pre_vote);
  node.fire(Timer::election);
  node.fire(Timer::election);
  const std::uint64_t term = node.raft->term().value();
  node.receive(2, term, VoteReply{.refusal = Refusal::old_term});
  EXPECT_EQ(node.raft->role(), RoleName::candidate);
  node.receive(2, term, granted);
  EXPECT_EQ(node.raft->role(), RoleName::leader);
}

// hazard: H13  The first campaign's vote becomes durable during the second: it is of another term.
TEST(Vote, AnOwnVoteCountsOnlyInTheTermThatCastIt) {
  Lone node({}, {Term(1), nobody}, no_pre_vote);
  const auto campaign = [&] {
    node.raft->expire(Timer::election);
    node.raft->take_output(node.out);
    return node.out.write->id;
  };
  const WriteId first = campaign();
  const WriteId second = campaign();
  ASSERT_EQ(node.raft->term(), Term(3));
  node.raft->receive({{}, NodeId(2), NodeId(1), Term(3), granted});
  node.raft->written(first);
  EXPECT_EQ(node.raft->role(), RoleName::candidate);
  node.raft->written(second);
  EXPECT_EQ(node.raft->role(), RoleName::leader);
}

// hazard: H13  scenario: PV-06
TEST(Vote, AnAnswerToTheRehearsalDoesNotCountInTheElection) {
  Lone node({}, {Term(1), nobody}, {}, 5);
  node.fire(Timer::election);
  const VoteReply would{.pre_vote = true, .granted = true};
  node.receive(2, 2, would);
  node.receive(3, 2, would);  // won: the election of term 2 begins
  ASSERT_EQ(node.raft->term(), Term(2));
  for (std::uint64_t voter : {2, 3, 4, 5})
    node.receive(voter, 2, would);
  EXPECT_EQ(node.raft->role(), RoleName::candidate);
  node.receive(2, 2, granted);
  node.receive(2, 2, granted);
  EXPECT_EQ(node.raft->role(), RoleName::candidate) << "the same voter twice";
  node.receive(3, 2, granted);
  EXPECT_EQ(node.raft->role(), RoleName::leader);
}

// mission: 4y.3
TEST(Vote, AStrangersVoteElectsNobody) {
  Lone node({}, {Term(1), nobody}, no_pre_vote);
  node.fire(Timer::election);
  node.receive(8, 2, granted);
  node.receive(9, 2, granted);
  EXPECT_EQ(node.raft->role(), RoleName::candidate);
}

// scenario: E-09
TEST(Vote, OneVoteATermAlsoAfterARestart) {
  Lone node({}, {Term(1), nobody});
  EXPECT_TRUE(only<VoteReply>(node.receive(2, 5, asks(Lone::at(1, 1)))).granted);
  const VoteReply no = only<VoteReply>(node.receive(3, 5, asks(Lone::at(9, 4))));
  EXPECT_EQ(no.refusal, Refusal::voted_for_another);
  EXPECT_EQ(no.voted_for, NodeId(2));
  node.start();
  EXPECT_FALSE(only<VoteReply>(node.receive(3, 5, asks(Lone::at(9, 4)))).granted);
  EXPECT_TRUE(only<VoteReply>(node.receive(2, 5, asks(Lone::at(1, 1)))).granted) << "the same again, to the same";
}

// scenario: E-10
TEST(Vote, ACandidateResignsToAHigherTermAndALateYesCountsForNothing) {
  Group group(3, no_pre_vote);
  group.fire(1, Timer::election);
  group.deliver_first(of<VoteRequest>(1, 2));  // node 2 says yes, in term 2; its answer is slow
  group.fire(3, Timer::election);
  group.lose(of<VoteRequest>(3, 2));
  group.fire(3, Timer::election);  // term 3
  group.deliver_first([](const Message& m) { return is<VoteRequest>(m) && m.to == NodeId(1) && m.term == Term(3); });
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  group.deliver_first(of<VoteReply>(2, 1));
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  group.settle();
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
}

// hazard: H14
TEST(Vote, AHigherTermIsAdoptedButNotVotedFor) {
  Lone node({4}, {Term(4), nobody});
  const VoteReply no = only<VoteReply>(node.receive(2, 9, asks(Lone::at(1, 1))));
  EXPECT_EQ(no.refusal, Refusal::log_behind);
  EXPECT_EQ(node.disk.hard_state, (HardState{Term(9), nobody}));
  EXPECT_TRUE(only<VoteReply>(node.receive(3, 9, asks(Lone::at(2, 4)))).granted) << "free to choose another";
}

// Later term first, then the longer log (Raft, section 5.4.1).  scenario: E-11 E-19 PV-03  mission: 1.4
TEST(Vote, OnlyALogAtLeastAsCompleteIsVotedFor) {
  struct Case {
    LogPosition candidate;
    bool granted;
  };
  for (const Case& is : {Case{Lone::at(3, 5), true}, Case{Lone::at(4, 5), true}, Case{Lone::at(2, 5), false},
                         Case{Lone::at(1, 6), true}, Case{Lone::at(9, 4), false}}) {
    for (const bool rehearsal : {false, true}) {
      Lone node({2, 5}, {Term(6), nobody});
      const auto reply = only<VoteReply>(node.receive(2, 7, rehearsal ? rehearses(is.candidate) : asks(is.candidate)));
      EXPECT_EQ(reply.granted, is.granted) << is.candidate.index.value() << "@" << is.candidate.term.value();
    }
  }
}

// hazard: H15  mission: 1.4  scenario: PV-01
TEST(PreVote, ARehearsalChangesAndWritesNothing) {
  Lone node({4}, {Term(4), nobody});
  const Raft before = *node.raft;
  const auto left = node.receive(2, 5, rehearses(Lone::at(2, 4)));
  EXPECT_TRUE(only<VoteReply>(left).granted);
  EXPECT_EQ(left.front().term, Term(5)) << "the term asked for";
  EXPECT_FALSE(node.out.write);
  EXPECT_EQ(*node.raft, before);
}

// hazard: H15  scenario: PV-02 PV-04
TEST(PreVote, ARefusalCarriesTheVotersOwnTerm) {
  Lone node({4}, {Term(7), nobody});
  const auto behind = node.receive(2, 9, rehearses(Lone::at(1, 1)));
  EXPECT_EQ(only<VoteReply>(behind).refusal, Refusal::log_behind);
  EXPECT_EQ(behind.front().term, Term(7));
  const auto old = node.receive(2, 6, rehearses(Lone::at(9, 6)));
  EXPECT_EQ(only<VoteReply>(old).refusal, Refusal::old_term);
  EXPECT_EQ(old.front().term, Term(7));
  EXPECT_EQ(node.raft->term(), Term(7));
}

// hazard: H15  scenario: PV-05
TEST(PreVote, ANodeBehindInTermButNotInLogStillGetsElected) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "only node 1 has it"));
  for (std::uint64_t id : {1, 2, 3})
    group.crash(id);
  group.lose();
  group.node(2).disk.hard_state = {Term(9), nobody};
  group.restart(1);
  group.restart(2);
  group.run(20s);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader) << "node 2 must not, node 1 must learn of term 9 first";
  EXPECT_GT(group.raft(1).term(), Term(9));
}

// hazard: H15  The candidate learns from the refusal that it is behind, and asks for a term that is not over.
TEST(PreVote, ARefusalAtAHigherTermMovesTheCandidateOn) {
  Lone node({4}, {Term(4), nobody});
  node.fire(Timer::election);
  node.receive(2, 8, VoteReply{.pre_vote = true, .refusal = Refusal::old_term});
  EXPECT_EQ(node.raft->term(), Term(8));
  const auto left = node.fire(Timer::election);
  EXPECT_EQ(left.front().term, Term(9));
}

// hazard: H16  scenario: PV-02  mission: 1.2
TEST(PreVote, ACampaignInAHealthyClusterChangesNothing) {
  Group group(5);
  group.elect(1);
  group.fire(5, Timer::election);
  EXPECT_EQ(group.raft(5).leader(), nobody) << "it has given up on its leader";
  group.settle();
  EXPECT_EQ(group.raft(5).term(), Term(2));
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  group.run(200ms);
  EXPECT_EQ(group.raft(5).leader(), NodeId(1)) << "and takes it back";
}

// Raft, Figure 2: an election begins with a timeout of its own, however late its rehearsal was won.
TEST(PreVote, AnElectionHasItsTimeHoweverLongTheRehearsalTook) {
  Lone node({}, {Term(1), nobody});
  node.fire(Timer::election);
  node.advance(999ms);
  node.receive(2, 2, VoteReply{.pre_vote = true, .granted = true});
  ASSERT_EQ(node.raft->term(), Term(2));
  EXPECT_GE(node.raft->next_deadline(), node.now + node.options.election_timeout);
}

// hazard: H17
TEST(PreVote, AGrantDoesNotPutOffTheVotersOwnCampaign) {
  Lone node({4}, {Term(4), nobody});
  const auto due = node.raft->next_deadline();
  node.advance(500ms);
  ASSERT_TRUE(only<VoteReply>(node.receive(2, 5, rehearses(Lone::at(2, 4)))).granted);
  EXPECT_EQ(node.raft->next_deadline(), due);
}

// hazard: H17  The leader of a moment ago has lost its role and asks: two live nodes must not wait for each other.
TEST(PreVote, TheOneBelievedToLeadMayAsk) {
  Lone node({4}, {Term(5), nobody});
  node.receive(2, 5, Heartbeat{.commit = {}, .round = 1});
  EXPECT_FALSE(only<VoteReply>(node.receive(3, 6, rehearses(Lone::at(2, 4)))).granted);
  EXPECT_TRUE(only<VoteReply>(node.receive(2, 6, rehearses(Lone::at(2, 4)))).granted);
}

// hazard: H16  Stickiness lasts an election timeout from when the leader was last heard, not longer.
TEST(Vote, AVoterSticksToItsLeaderForAnElectionTimeout) {
  Lone node({4}, {Term(5), nobody});
  node.receive(2, 5, Heartbeat{.commit = {}, .round = 1});
  node.advance(999ms);
  const VoteReply no = only<VoteReply>(node.receive(3, 9, asks(Lone::at(9, 5))));
  EXPECT_EQ(no.refusal, Refusal::leader_alive);
  EXPECT_EQ(node.raft->term(), Term(5));
  node.advance(1ms);
  EXPECT_TRUE(only<VoteReply>(node.receive(3, 9, asks(Lone::at(9, 5)))).granted);
}

// hazard: H16  scenario: P-08  A node stuck at a higher term is told of by its answer, and the group takes it back.
TEST(Vote, ACandidateStuckAtAHigherTermIsFreed) {
  Group group(3, no_pre_vote);
  group.elect(1);
  for (int i = 0; i < 5; ++i)
    group.fire(3, Timer::election);
  group.lose();
  ASSERT_GT(group.raft(3).term(), group.raft(1).term());
  group.run(5s);
  std::size_t leaders = 0;
  for (std::uint64_t id : {1, 2, 3}) {
    leaders += group.raft(id).role() == RoleName::leader ? 1 : 0;
    EXPECT_EQ(group.raft(id).term(), group.raft(1).term());
  }
  EXPECT_EQ(leaders, 1u);
}

// hazard: H16  PreVote rolled out node by node: those without it meet those with it, and a leader comes about.
TEST(PreVote, CanBeTurnedOnNodeByNode) {
  for (std::uint64_t with : {1, 2, 3}) {
    Group group(3, [&](RaftOptions& o) { o.pre_vote = o.id.value() <= with; });
    for (std::uint64_t id : {3, 1, 2}) {
      group.elect(id);
      group.run(3s);
      std::size_t leaders = 0;
      for (std::uint64_t each : {1, 2, 3})
        leaders += group.raft(each).role() == RoleName::leader ? 1 : 0;
      EXPECT_EQ(leaders, 1u) << with;
    }
  }
}

// hazard: H19  Others' campaigns at ever higher terms do not put off a slow node's own.
TEST(Vote, AHigherTermDoesNotPutOffOnesOwnCampaign) {
  Lone node({4}, {Term(4), nobody});
  const auto due = node.raft->next_deadline();
  for (std::uint64_t term = 5; term < 9; ++term) {
    node.advance(100ms);
    EXPECT_FALSE(only<VoteReply>(node.receive(2, term, asks(Lone::at(1, 1)))).granted);
  }
  EXPECT_EQ(node.raft->next_deadline(), due);
}

// hazard: H19  A rehearsal that a leader's word ended is over: its late answers start nothing.
TEST(PreVote, ARehearsalThatWasCutShortStartsNoElection) {
  Lone node({4}, {Term(4), nobody});
  node.fire(Timer::election);
  node.receive(3, 4, Heartbeat{.commit = {}, .round = 1});
  node.receive(2, 5, VoteReply{.pre_vote = true, .granted = true});
  EXPECT_EQ(node.raft->role(), RoleName::follower);
  EXPECT_EQ(node.raft->term(), Term(4));
}

// scenario: PV-06
TEST(PreVote, TwoMayRehearseAtOnce) {
  Group group(3);
  group.fire(1, Timer::election);
  group.fire(2, Timer::election);
  group.settle();
  group.run(5s);
  EXPECT_NE(group.raft(3).leader(), nobody);
}

// scenario: PV-07  P-06: the leader still hears its followers, they no longer hear it.
TEST(PreVote, AQuorumThatLostTheLeaderReplacesIt) {
  Group group(3);
  group.elect(1);
  const Term before = group.raft(1).term();
  group.run(5s, [](const Message& m) { return m.from == NodeId(1); });
  EXPECT_GT(group.raft(2).term(), before);
  EXPECT_TRUE(group.raft(2).role() == RoleName::leader || group.raft(3).role() == RoleName::leader);
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
}

// mission: 1.2 1.4
TEST(PreVote, AnIsolatedNodeKeepsItsTermAndVote) {
  Group group(5);
  group.elect(1);
  const HardState before = group.raft(5).hard_state();
  group.run(100s, touching(5));
  EXPECT_EQ(group.raft(5).hard_state(), before);
  EXPECT_EQ(group.node(5).disk.hard_state, before);
  group.run(3s);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(5).leader(), NodeId(1));
  EXPECT_EQ(group.raft(1).term(), before.term);
}

// mission: 1.3  scenario: P-09  The same without PreVote: the term runs away, and costs two leaders at most.
TEST(Vote, AnIsolatedNodesTermCostsAtMostTwoLeaders) {
  Group group(5, no_pre_vote);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "kept"));
  group.settle();
  const Index kept = group.raft(1).commit();
  const std::size_t leaders = group.watch.leaders().size();
  group.run(100s, touching(5));
  const Term inflated = group.raft(5).term();
  EXPECT_GT(inflated.value(), 50u);
  group.run(10s);
  for (std::uint64_t id : {1, 2, 3, 4, 5}) {
    EXPECT_GE(group.raft(id).term(), inflated) << id;
    EXPECT_GE(group.raft(id).commit(), kept) << id;
    EXPECT_NE(group.raft(id).leader(), nobody) << id;
  }
  EXPECT_LE(group.watch.leaders().size(), leaders + 2);
}

// A voter that lost the end of its log, and may have acknowledged it, votes for nobody until it is back.
TEST(Vote, NobodyGetsTheVoteOfANodeThatMayHaveForgotten) {
  Lone node({4}, {Term(5), nobody});
  Recovered found = node.disk.recover();
  found.acknowledged = Lone::at(4, 5);
  node.raft.emplace(*Raft::make(node.options, found, node.now));
  node.turn();
  EXPECT_EQ(only<VoteReply>(node.receive(2, 6, asks(Lone::at(9, 5)))).refusal, Refusal::not_ready);
  EXPECT_EQ(only<VoteReply>(node.receive(2, 7, rehearses(Lone::at(9, 5)))).refusal, Refusal::not_ready);
  EXPECT_TRUE(node.fire(Timer::election).empty()) << "nor does it ask for itself";
  node.receive(3, 6, AppendRequest{Lone::at(2, 4), {}, {Lone::entry(3, 5), Lone::entry(4, 5)}});
  node.advance(2s);
  EXPECT_TRUE(only<VoteReply>(node.receive(2, 8, asks(Lone::at(9, 5)))).granted);
}

}  // namespace
}  // namespace keel::test
