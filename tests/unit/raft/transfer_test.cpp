#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

template <class Event>
std::vector<Event> events_of(const std::vector<RaftEvent>& events) {
  std::vector<Event> found;
  for (const RaftEvent& event : events) {
    if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
  }
  return found;
}
std::vector<TransferEnd> ends(Group& group, std::uint64_t id) {
  std::vector<TransferEnd> all;
  for (const TransferEnded& event : events_of<TransferEnded>(group.node(id).events))
    all.push_back(event.end);
  return all;
}
Result<void> transfer(Group& group, std::uint64_t from, std::uint64_t to) {
  auto begun = group.raft(from).transfer_leadership(NodeId(to));
  group.pump(NodeId(from));
  return begun;
}

// scenario: E-13  hazard: H18  PreVote and stickiness are on, and do not stand in the way.
TEST(Transfer, ToAnUpToDateNode) {
  Group group(5);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 4));
  group.settle();
  EXPECT_EQ(group.raft(4).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).leader(), NodeId(4));
  EXPECT_EQ(ends(group, 1), (std::vector{TransferEnd::done}));
}

// scenario: E-13  It is brought up to date first; nothing is appended meanwhile.
TEST(Transfer, ToANodeThatLags) {
  Group group(3);
  group.elect(1);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(group.propose(1, "x"));
    group.settle(touching(3));
  }
  ASSERT_TRUE(transfer(group, 1, 3));
  EXPECT_EQ(group.under_way(of<TimeoutNow>()), 0u);
  EXPECT_EQ(group.propose(1, "meanwhile").error().code, ErrorCode::no_leader);
  group.run(300ms);
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
  EXPECT_EQ(group.raft(3).log().term_at(Index(12)), Term(2)) << "with all that was proposed";
}

// scenario: E-13
TEST(Transfer, ToOneselfOrAStrangerOrALearnerIsAnError) {
  Group group(make_genesis("test", {{.id = NodeId(1)},
                                    {.id = NodeId(2)},
                                    {.id = NodeId(3)},
                                    {.id = NodeId(4), .role = MemberRole::learner},
                                    {.id = NodeId(5), .role = MemberRole::witness}}));
  group.elect(1);
  for (std::uint64_t target : {1, 4, 5, 9, 0}) {
    const auto begun = transfer(group, 1, target);
    ASSERT_FALSE(begun) << target;
    EXPECT_EQ(begun.error().code, ErrorCode::invalid);
    EXPECT_NE(begun.error().message.find("node " + std::to_string(target)), std::string::npos);
  }
  EXPECT_TRUE(group.propose(1, "and changes nothing"));
}

TEST(Transfer, OnlyALeaderCanHandOver) {
  Group group(3);
  EXPECT_EQ(transfer(group, 2, 3).error().code, ErrorCode::no_leader);
  group.elect(1);
  const auto refused = transfer(group, 2, 3);
  EXPECT_EQ(refused.error().code, ErrorCode::not_leader);
  EXPECT_EQ(refused.error().leader, 1u);
}

// scenario: E-13  A second transfer to the same node is the same; to another it takes the first one's place.
TEST(Transfer, ASecondOne) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 2));
  ASSERT_TRUE(transfer(group, 1, 2));
  EXPECT_EQ(events_of<TransferStarted>(group.node(1).events).size(), 1u);
  group.lose();
  ASSERT_TRUE(transfer(group, 1, 3));
  EXPECT_EQ(ends(group, 1), (std::vector{TransferEnd::replaced}));
  group.settle();
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
}

// scenario: E-13
TEST(Transfer, ThereAndBackAgain) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 2));
  group.settle();
  ASSERT_TRUE(transfer(group, 2, 1));
  group.settle();
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).term(), Term(4));
}

// scenario: E-15  mission: the leader stays, and takes commands again after an election timeout.
TEST(Transfer, ToAnUnreachableNodeIsGivenUp) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 3));
  group.run(990ms, touching(3));
  EXPECT_FALSE(group.propose(1, "not yet"));
  group.run(20ms, touching(3));
  EXPECT_EQ(ends(group, 1), (std::vector{TransferEnd::timed_out}));
  EXPECT_TRUE(group.propose(1, "again"));
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
}

// scenario: E-15
TEST(Transfer, TheTargetDies) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 3));
  group.deliver_first(of<TimeoutNow>());
  group.crash(3);
  group.lose(of<VoteRequest>());
  group.run(2s);
  EXPECT_TRUE(group.propose(1, "the leader stayed"));
}

// scenario: E-15  The request is lost once; the next heartbeat repeats it.
TEST(Transfer, ALostRequestIsRepeated) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(transfer(group, 1, 3));
  group.lose(of<TimeoutNow>());
  group.run(200ms);
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
}

// scenario: E-15  The target holds an entry whose acknowledgement the leader has not seen: it must not be asked yet, and
// what it holds is not lost.
TEST(Transfer, AnAcknowledgementIsStillUnderWay) {
  Group group(3);
  group.elect(1);
  const auto position = group.propose(1, "a");
  group.deliver_first(of<AppendRequest>(1, 3));
  ASSERT_EQ(group.raft(3).log().last().index, position->index);
  ASSERT_TRUE(transfer(group, 1, 3));
  EXPECT_EQ(group.under_way(of<TimeoutNow>()), 0u);
  group.settle();
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
  EXPECT_EQ(group.raft(2).log().term_at(position->index), position->term);
}

// hazard: H18  Whoever is asked must be a voter that follows the one who asks, and hold what it is expected to hold.
TEST(Transfer, WhoDoesNotFitIgnoresTheRequest) {
  const auto follower = [] {
    Lone node({4}, {Term(5), nobody});
    node.receive(2, 5, Heartbeat{.commit = {}, .round = 1});
    return node;
  };
  Lone behind = follower();
  EXPECT_TRUE(behind.receive(2, 5, TimeoutNow{Lone::at(3, 5)}).empty());
  EXPECT_EQ(behind.raft->role(), RoleName::follower);
  Lone of_another = follower();
  EXPECT_TRUE(of_another.receive(3, 5, TimeoutNow{Lone::at(2, 4)}).empty());
  EXPECT_EQ(of_another.raft->role(), RoleName::follower);
  Lone asked = follower();
  const auto requests = all<VoteRequest>(asked.receive(2, 5, TimeoutNow{Lone::at(2, 4)}));
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_TRUE(requests[0].for_transfer);
  EXPECT_FALSE(requests[0].pre_vote);
}

// hazard: H18
TEST(Transfer, ALearnerIgnoresTheRequest) {
  Group group(make_genesis(
      "test",
      {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}, {.id = NodeId(4), .role = MemberRole::learner}}));
  group.elect(1);
  group.deliver({{}, NodeId(1), NodeId(4), Term(2), TimeoutNow{Lone::at(2, 2)}});
  EXPECT_EQ(group.raft(4).role(), RoleName::follower);
  EXPECT_TRUE(group.network.empty());
}

// The one with the most of the log is asked; the leader follows at once.
TEST(Transfer, SteppingDownHandsOver) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle(touching(2));
  group.raft(1).step_down();
  group.pump(NodeId(1));
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  EXPECT_EQ(group.propose(1, "b").error().code, ErrorCode::no_leader);
  EXPECT_EQ(group.under_way(of<TimeoutNow>(1, 3)), 1u);
  group.settle();
  EXPECT_EQ(group.raft(3).role(), RoleName::leader);
  EXPECT_EQ(events_of<SteppedDown>(group.node(1).events)[0].reason, StepDownReason::asked);
}

// A dead node takes nothing over, however much it holds.
TEST(Transfer, SteppingDownPassesOverTheDead) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle(touching(3));
  ASSERT_TRUE(group.propose(1, "b"));
  group.lose();
  group.crash(2);
  const auto silent = [](const Message& m) { return touching(2)(m) || is<AppendRequest>(m); };
  for (int i = 0; i < 12; ++i) {
    group.run(100ms, silent);
    ASSERT_EQ(group.raft(1).role(), RoleName::leader);
  }
  EXPECT_EQ(group.raft(1).best_successor(), NodeId(3));
  EXPECT_EQ(group.raft(3).best_successor(), nobody) << "it does not lead";
  group.raft(1).step_down();
  group.pump(NodeId(1));
  EXPECT_EQ(group.under_way(of<TimeoutNow>(1, 2)), 0u);
  EXPECT_EQ(group.under_way(of<TimeoutNow>(1, 3)), 1u);
}

TEST(Transfer, SteppingDownAsksNobodyIfAllAreSilent) {
  Group group(3, [](RaftOptions& o) { o.check_quorum = o.stickiness = false; });
  group.elect(1);
  group.run(2s, [](const Message&) { return true; });
  ASSERT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).best_successor(), nobody);
  group.raft(1).step_down();
  group.pump(NodeId(1));
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  EXPECT_EQ(group.under_way(of<TimeoutNow>()), 0u);
}

// The target's campaign arrives in the moment in which it is to be asked again: it was asked all the same.
TEST(Transfer, ThatIsAskedForAgainIsNotForgotten) {
  Lone node({}, {Term(1), nobody});
  node.lead();
  node.receive(2, 2, AppendReply{.accepted = true, .index = Index(2), .hint = {}});
  ASSERT_TRUE(node.raft->transfer_leadership(NodeId(2)));
  EXPECT_EQ(all<TimeoutNow>(node.turn()).size(), 1u);
  EXPECT_EQ(all<TimeoutNow>(node.fire(Timer::heartbeat)).size(), 1u) << "it may have been lost";
  node.raft->expire(Timer::heartbeat);
  node.receive(2, 3, VoteRequest{.for_transfer = true, .last = Lone::at(2, 2)});
  const auto ended = events_of<TransferEnded>(node.events);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end, TransferEnd::done);
}

TEST(Transfer, EndsWithTheLeadership) {
  Lone node({}, {Term(1), nobody});
  node.lead();
  ASSERT_TRUE(node.raft->transfer_leadership(NodeId(3)));
  node.turn();
  node.receive(2, 9, Heartbeat{.commit = {}, .round = 1});
  const auto ended = events_of<TransferEnded>(node.events);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end, TransferEnd::lost_leadership) << "node 3 lagged, it was never asked";
}

}  // namespace
}  // namespace keel::test
