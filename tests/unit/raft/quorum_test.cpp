#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

std::size_t resigned(Group& group, std::uint64_t id) {
  return static_cast<std::size_t>(std::ranges::count_if(group.node(id).events, [](const RaftEvent& event) {
    const auto* down = std::get_if<SteppedDown>(&event);
    return down != nullptr && down->reason == StepDownReason::lost_quorum;
  }));
}

// mission: 1.5  scenario: P-03
TEST(CheckQuorum, AnIsolatedLeaderResignsWithinAnElectionTimeout) {
  Group group(5);
  group.elect(1);
  group.run(500ms);
  group.run(1s, touching(1));
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  EXPECT_EQ(resigned(group, 1), 1u);
  EXPECT_EQ(group.raft(1).leader(), nobody);
}

// mission: 1.5  scenario: P-06  It can send and not hear.
TEST(CheckQuorum, ADeafLeaderResigns) {
  Group group(3);
  group.elect(1);
  const auto deaf = [](const Message& m) { return m.to == NodeId(1); };
  group.run(1s, deaf);
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
  group.run(5s, deaf);
  EXPECT_TRUE(group.raft(2).role() == RoleName::leader || group.raft(3).role() == RoleName::leader);
}

// mission: 1.5  scenario: P-03 P-04  Any single round lost, at the longest interval allowed: nobody resigns or campaigns.
TEST(CheckQuorum, SingleLostRoundsNeverMakeALeaderResign) {
  for (const Duration interval : {100ms, 333ms}) {
    Group group(3, [&](RaftOptions& o) { o.heartbeat_interval = interval; });
    group.elect(1);
    group.run(500ms);
    std::uint64_t number = 0;
    group.run(20s, [&](const Message& m) {
      if (is<Heartbeat>(m)) number = std::get<Heartbeat>(m.body).round;
      return number % 2 == 0 && (is<Heartbeat>(m) || is<HeartbeatReply>(m));  // every other round is lost whole
    });
    EXPECT_EQ(group.raft(1).role(), RoleName::leader);
    EXPECT_EQ(group.raft(1).term(), Term(2));
    for (std::uint64_t id : {2, 3})
      EXPECT_EQ(group.raft(id).leader(), NodeId(1));
  }
}

// mission: 1.5  A different minority is heard each time: a quorum in every window is enough.
TEST(CheckQuorum, AnyQuorumInEveryWindowIsEnough) {
  Group group(5);
  group.elect(1);
  Random random(3);
  for (int window = 0; window < 30; ++window) {
    const NodeId a(2 + random.below(4));
    const NodeId b(2 + random.below(4));
    group.run(400ms, [&](const Message& m) { return m.to == NodeId(1) && m.from != a && m.from != b && a != b; });
    ASSERT_EQ(group.raft(1).role(), RoleName::leader) << "window " << window;
  }
}

// mission: 4y.3
TEST(CheckQuorum, LearnersDoNotCount) {
  Group group(make_genesis("test", {{.id = NodeId(1)},
                                    {.id = NodeId(2)},
                                    {.id = NodeId(3)},
                                    {.id = NodeId(4), .role = MemberRole::learner},
                                    {.id = NodeId(5), .role = MemberRole::learner}}));
  group.elect(1);
  group.run(1s, [](const Message& m) { return m.from == NodeId(2) || m.from == NodeId(3); });
  EXPECT_EQ(group.raft(1).role(), RoleName::follower);
}

// What counts is hearing, of whatever kind: a refused append is a sign of life.
TEST(CheckQuorum, AnyAnswerOfThisTermIsASignOfLife) {
  Lone node({}, {Term(1), nobody});
  node.lead();
  for (int i = 0; i < 10; ++i) {
    node.advance(600ms);
    node.receive(2, 2, AppendReply{.accepted = false, .index = Index(1), .hint = {}});
  }
  EXPECT_EQ(node.raft->role(), RoleName::leader);
  node.advance(600ms);
  node.receive(2, 1, HeartbeatReply{});  // of an older term
  node.receive(9, 2, HeartbeatReply{});  // a stranger's
  node.advance(400ms);
  EXPECT_EQ(node.raft->role(), RoleName::follower);
}

TEST(CheckQuorum, TurnedOffALeaderStays) {
  Group group(3, [](RaftOptions& o) { o.check_quorum = o.stickiness = false; });
  group.elect(1);
  group.run(10s, touching(1));
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
}

// scenario: E-16 E-17
TEST(CheckQuorum, OneNodeIsAQuorumOfOne) {
  Group group(1);
  group.fire(1, Timer::election);
  group.run(10s);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  EXPECT_EQ(group.raft(1).term(), Term(2));
}

// scenario: E-16  Of two both, of four three are needed.
TEST(CheckQuorum, EvenClustersNeedMoreThanHalf) {
  for (std::uint64_t size : {2, 4}) {
    Group group(size);
    group.elect(1);
    const std::uint64_t needed = size / 2 + 1;
    for (std::uint64_t id = size; id > needed; --id)
      group.crash(id);
    ASSERT_TRUE(group.propose(1, "a"));
    group.run(2s);
    EXPECT_EQ(group.raft(1).commit(), Index(3)) << size;
    group.crash(needed);
    ASSERT_TRUE(group.propose(1, "b"));
    group.run(2s);
    EXPECT_EQ(group.raft(1).commit(), Index(3)) << size;
    EXPECT_EQ(group.raft(1).role(), RoleName::follower) << size;
  }
}

// scenario: T-02  Back from a pause of ten seconds, in every role: nobody believes in a role that may be over.
TEST(CheckQuorum, APausedNodeComesBackInEveryRole) {
  for (const std::uint64_t paused : {1, 2}) {
    Group group(3);
    group.elect(1);
    std::vector<Message> piled;
    for (int i = 0; i < 1000; ++i) {
      group.now += 10ms;
      for (std::uint64_t id : {1, 2, 3}) {
        if (id != paused) group.advance_one(NodeId(id));
      }
      group.settle([&](const Message& m) {
        if (m.to == NodeId(paused)) piled.push_back(m);
        return m.to == NodeId(paused);
      });
    }
    const Term before = group.raft(3).term();
    group.advance_one(NodeId(paused));
    for (const Message& message : piled)
      group.deliver(message);
    group.run(3s);
    std::size_t leaders = 0;
    for (std::uint64_t id : {1, 2, 3})
      leaders += group.raft(id).role() == RoleName::leader ? 1 : 0;
    EXPECT_EQ(leaders, 1u);
    EXPECT_EQ(group.raft(paused).term(), before) << "and disturbs nobody";
  }
}

// An idle follower wakes for its deadline alone: nothing ticks.
TEST(CheckQuorum, ThereIsAlwaysADeadlineAheadAndNothingToDoBeforeIt) {
  for (const bool leads : {false, true}) {
    Lone node({}, {Term(1), nobody});
    if (leads) node.lead();
    const Instant due = *node.raft->next_deadline();
    EXPECT_GT(due, node.now);
    node.raft->advance(due - 1ns);
    EXPECT_FALSE(node.raft->has_output());
    node.raft->advance(due);
    EXPECT_TRUE(node.raft->has_output());
    node.turn();
    EXPECT_GT(*node.raft->next_deadline(), due);
  }
}

}  // namespace
}  // namespace keel::test
