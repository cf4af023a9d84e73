#include <limits>

#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

const PeerStatus& peer(const RaftStatus& status, std::uint64_t id) {
  return *std::ranges::find(status.peers, NodeId(id), &PeerStatus::id);
}
AppendReply holds(std::uint64_t index) { return {.accepted = true, .index = Index(index), .hint = {}}; }
AppendReply lacks(std::uint64_t index, LogPosition hint) {
  return {.accepted = false, .index = Index(index), .hint = hint};
}

// A leader whose log begins behind a snapshot of entries up to index 10, term 1; nothing was written since.
Lone compacted_leader(const std::function<void(RaftOptions&)>& adjust = {}) {
  Lone node({1, 1, 1, 1, 1, 1, 1, 1, 1}, {Term(1), nobody}, adjust);
  node.disk.compact(Index(10));
  node.start();
  node.lead();
  return node;
}

// Several hundred commands without an answer: what is under way stays within the window.
TEST(Flow, TheWindowIsBoundedInMessages) {
  Group group(3, [](RaftOptions& o) {
    o.max_inflight_messages = 4;
    o.max_append_entries = 2;
  });
  group.elect(1);
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(group.propose(1, "x"));
  for (std::uint64_t to : {2, 3})
    EXPECT_EQ(group.under_way(of<AppendRequest>(1, to)), 4u);
  group.settle();
  EXPECT_EQ(group.raft(3).commit(), Index(302));
}

TEST(Flow, TheWindowIsBoundedInBytes) {
  Group group(3, [](RaftOptions& o) {
    o.max_inflight_bytes = 1000;
    o.max_append_bytes = 300;
  });
  group.elect(1);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(group.propose(1, std::string(100, 'x')));
  std::size_t bytes = 0;
  for (const Message& message : group.network) {
    if (message.to != NodeId(2)) continue;
    for (const Entry& entry : std::get<AppendRequest>(message.body).entries)
      bytes += Log::cost(entry);
  }
  EXPECT_LT(bytes, 1000u + 300u) << "one message may begin within the window and end beyond it";
  EXPECT_GE(bytes, 1000u);
  group.settle();
  EXPECT_EQ(group.raft(3).commit(), Index(102));
}

// An entry larger than a message, and than the window, still gets through, alone.
TEST(Flow, OneEntryAlwaysFits) {
  Group group(3, [](RaftOptions& o) {
    o.max_append_bytes = 10;
    o.max_inflight_bytes = 10;
  });
  group.elect(1);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(group.propose(1, std::string(1000, 'x')));
  group.settle([](const Message& m) {
    EXPECT_LE(is<AppendRequest>(m) ? std::get<AppendRequest>(m.body).entries.size() : 0, 1u);
    return false;
  });
  EXPECT_EQ(group.raft(2).commit(), Index(7));
}

// hazard: H10  scenario: X-05
TEST(Flow, AllInFlightMayBeLostAndItRecoversByItself) {
  Group group(3, [](RaftOptions& o) {
    o.max_inflight_messages = 3;
    o.max_append_entries = 1;
  });
  group.elect(1);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(group.propose(1, "x"));
  group.lose();
  group.run(1s);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.raft(id).commit(), Index(12)) << id;
}

// hazard: H10  The answers are lost, not the questions: the peer has it all, and the window must open.
TEST(Flow, AllAnswersMayBeLost) {
  Group group(3, [](RaftOptions& o) {
    o.max_inflight_messages = 3;
    o.max_append_entries = 1;
  });
  group.elect(1);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(group.propose(1, "x"));
  group.settle(of<AppendReply>());
  group.run(1s);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.raft(id).commit(), Index(12)) << id;
}

// hazard: H10  scenario: C-19
TEST(Flow, APeerThatHasItAllDoesNotStayInProbe) {
  Group group(3);
  group.fire(1, Timer::election);
  group.settle(of<AppendReply>());  // the probes' answers
  group.run(500ms);
  for (std::uint64_t id : {2, 3})
    EXPECT_EQ(peer(group.raft(1).status(), id).state, ReplicationState::pipeline);
}

// hazard: H56  Overtaking within the window: what arrives behind a gap is refused, and the stream begins anew.
TEST(Flow, AppendsThatOvertakeOneAnotherKeepTheirOrder) {
  Group group(3, [](RaftOptions& o) { o.max_append_entries = 1; });
  group.elect(1);
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(group.propose(1, std::to_string(i)));
  std::ranges::reverse(group.network);
  group.settle();
  group.run(500ms);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(group.raft(id).commit(), Index(10)) << id;
  EXPECT_EQ(group.node(2).disk.entries, group.node(1).disk.entries);
}

// A dead peer costs a probe and a heartbeat an interval, whatever is proposed.
TEST(Flow, ADeadPeerGetsNoStorm) {
  Group group(3);
  group.elect(1);
  group.crash(3);
  group.raft(1).unreachable(NodeId(3));
  group.pump(NodeId(1));
  std::size_t sent = 0;
  const auto count = [&](const Message& m) {
    sent += m.to == NodeId(3) && is<AppendRequest>(m) ? 1 : 0;
    return m.to == NodeId(3);
  };
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(group.propose(1, "x"));
    group.run(20ms, count);
  }
  EXPECT_LE(sent, 11u) << "in ten heartbeat intervals";
  EXPECT_EQ(group.raft(1).commit(), Index(52)) << "and slows nobody";
}

// What was under way when the transport lost its queue is sent again, from what is known to match.
TEST(Flow, AnUnreachablePeerIsProbedFromItsMatch) {
  Lone node({}, {Term(1), nobody});
  node.lead();
  node.receive(2, 2, holds(2));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(node.propose("x"));
  node.turn();
  node.raft->unreachable(NodeId(2));
  EXPECT_TRUE(all<AppendRequest>(node.turn()).empty()) << "not before the next heartbeat";
  EXPECT_EQ(peer(node.raft->status(), 2).state, ReplicationState::probe);
  std::vector<AppendRequest> probes;
  for (const Message& message : node.fire(Timer::heartbeat)) {
    if (message.to == NodeId(2) && is<AppendRequest>(message)) probes.push_back(std::get<AppendRequest>(message.body));
  }
  ASSERT_EQ(probes.size(), 1u);
  EXPECT_EQ(probes[0].previous, Lone::at(2, 2));
  EXPECT_EQ(probes[0].entries.size(), 3u);
  node.raft->unreachable(NodeId(9));  // nobody we know
  EXPECT_TRUE(node.turn().empty());
}

// hazard: H11  The log is empty above the snapshot, nobody proposes anything: a blank peer must still get it, once.
TEST(Flow, APeerWhoseLogEndsBeforeOursBeginsGetsASnapshot) {
  Lone node = compacted_leader();
  EXPECT_TRUE(node.receive(2, 2, lacks(10, Lone::at(1, 1))).empty());
  EXPECT_EQ(node.wants_snapshot, (std::vector{NodeId(2)}));
  EXPECT_EQ(peer(node.raft->status(), 2).state, ReplicationState::snapshot);
  node.receive(2, 2, lacks(10, Lone::at(1, 1)));
  EXPECT_EQ(node.wants_snapshot.size(), 1u) << "a repeated refusal asks for no second one";
}

// hazard: H11  Another entry at our base: the same, after one probe there.
TEST(Flow, APeerThatDiffersAtOurBaseGetsASnapshot) {
  Lone node({1, 1, 3, 3}, {Term(3), nobody});
  node.disk.compact(Index(4));
  node.start();
  node.lead();  // its log: base 4@3, 5@3, 6@4
  const auto probe = only<AppendRequest>(node.receive(2, 4, lacks(5, Lone::at(4, 2))));
  EXPECT_EQ(probe.previous, Lone::at(4, 3));
  EXPECT_TRUE(node.receive(2, 4, lacks(4, Lone::at(4, 2))).empty());
  EXPECT_EQ(node.wants_snapshot, (std::vector{NodeId(2)}));
}

// hazard: H48  However the snapshot got there, its end is seen with the next heartbeat, and the log goes on.
TEST(Flow, ASnapshotsEndIsSeen) {
  Lone node = compacted_leader();
  node.receive(2, 2, lacks(10, Lone::at(1, 1)));
  const auto asks = [&] {
    std::vector<AppendRequest> asked;
    for (const Message& message : node.fire(Timer::heartbeat)) {
      if (message.to == NodeId(2) && is<AppendRequest>(message)) asked.push_back(std::get<AppendRequest>(message.body));
    }
    return asked;
  };
  const auto first = asks();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].previous, Lone::at(10, 1));
  EXPECT_TRUE(first[0].entries.empty());
  node.receive(2, 2, lacks(10, Lone::at(1, 1)));  // not yet
  EXPECT_EQ(peer(node.raft->status(), 2).state, ReplicationState::snapshot);
  asks();
  const auto next = only<AppendRequest>(node.receive(2, 2, holds(10)));
  EXPECT_EQ(peer(node.raft->status(), 2).state, ReplicationState::pipeline);
  EXPECT_EQ(next.entries.size(), 1u);
}

// What is no longer in memory is fetched, one request at a time for a peer, and reaches it in bounded messages.
// scenario: C-13
TEST(Flow, ALaggingPeerCatchesUpFromTheStore) {
  Group group(3, [](RaftOptions& o) {
    o.log_cache_bytes = 0;
    o.max_append_entries = 7;
    o.max_append_bytes = 500;
  });
  group.elect(1);
  group.crash(3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(group.propose(1, std::string(20, 'x')));
    group.settle();
  }
  group.restart(3);
  group.run(200ms);
  std::size_t fetches = 0;
  while (!group.node(1).fetches.empty()) {
    ASSERT_EQ(group.node(1).fetches.size(), 1u);
    EXPECT_EQ(group.node(1).fetches[0].peer, NodeId(3));
    ++fetches;
    group.finish_fetch(1);
    group.settle();
  }
  EXPECT_EQ(group.raft(3).commit(), Index(102));
  EXPECT_GE(fetches, 100u / 7u);
}

class Fetching : public testing::Test {
 protected:
  // Node 2 lacks entries 2..4, which a restarted leader has in its store alone.
  Fetching() : node({1, 1, 1}, {Term(1), nobody}) {
    node.lead();
    node.receive(2, 2, lacks(4, Lone::at(1, 1)));
    node.receive(2, 2, holds(1));
  }
  [[nodiscard]] std::vector<Entry> stored(std::uint64_t first, std::uint64_t last) const {
    std::vector<Entry> found;
    for (; first <= last; ++first)
      found.push_back(*node.disk.find(Index(first)));
    return found;
  }
  [[nodiscard]] PeerStatus lagging() const { return peer(node.raft->status(), 2); }

  Lone node;
};

TEST_F(Fetching, AsksForWhatIsDurableAndNotInMemory) {
  ASSERT_EQ(node.fetches.size(), 1u);
  const Fetch& fetch = node.fetches[0];
  EXPECT_EQ(fetch.peer, NodeId(2));
  EXPECT_EQ(fetch.term, Term(2));
  EXPECT_EQ(fetch.range, (IndexRange{Index(2), Index(4)}));
  EXPECT_EQ(fetch.max_bytes, node.options.max_append_bytes);
  ASSERT_TRUE(node.propose("more"));
  node.turn();
  EXPECT_EQ(node.fetches.size(), 1u) << "one at a time";
}

// A store counts payloads, Raft also what each entry costs beside them: entries without any bytes are bounded too.
TEST(Flow, AFetchIsBoundedInEntriesAndInTheirCost) {
  const auto lagging = [](const std::function<void(RaftOptions&)>& adjust) {
    Lone node({1, 1, 1}, {Term(1), nobody}, adjust);
    node.lead();
    node.receive(2, 2, lacks(4, Lone::at(1, 1)));
    node.receive(2, 2, holds(1));
    return node;
  };
  const Lone few = lagging([](RaftOptions& o) { o.max_append_entries = 2; });
  ASSERT_EQ(few.fetches.size(), 1u);
  EXPECT_EQ(few.fetches[0].range, (IndexRange{Index(2), Index(3)}));

  const Lone all_of_them =
      lagging([](RaftOptions& o) { o.max_append_entries = std::numeric_limits<std::size_t>::max(); });
  ASSERT_EQ(all_of_them.fetches.size(), 1u);
  EXPECT_EQ(all_of_them.fetches[0].range, (IndexRange{Index(2), Index(4)}));

  Lone small = lagging([](RaftOptions& o) { o.max_append_bytes = 2 * Log::entry_overhead; });
  ASSERT_EQ(small.fetches.size(), 1u);
  small.raft->fetched(small.fetches[0],
                      {*small.disk.find(Index(2)), *small.disk.find(Index(3)), *small.disk.find(Index(4))});
  EXPECT_EQ(only<AppendRequest>(small.turn()).entries.size(), 2u);
  ASSERT_EQ(small.fetches.size(), 2u);
  EXPECT_EQ(small.fetches[1].range, (IndexRange{Index(4), Index(4)}));
}

TEST_F(Fetching, SendsWhatItGetsAndGoesOnFromMemory) {
  node.raft->fetched(node.fetches[0], stored(2, 4));
  const auto sent = all<AppendRequest>(node.turn());
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].entries, stored(2, 4));
  EXPECT_EQ(sent[1].previous, Lone::at(4, 1));
  EXPECT_EQ(sent[1].entries.size(), 1u) << "the term-start entry, from memory";
}

TEST_F(Fetching, AsksForTheRestWhenItGetsLess) {
  node.raft->fetched(node.fetches[0], stored(2, 2));
  EXPECT_EQ(all<AppendRequest>(node.turn()).size(), 1u);
  ASSERT_EQ(node.fetches.size(), 2u);
  EXPECT_EQ(node.fetches[1].range, (IndexRange{Index(3), Index(4)}));
}

// An answer to a question no longer asked: of another request, another term, another role.
TEST_F(Fetching, IgnoresAnswersFromAnotherLife) {
  const Fetch old = node.fetches[0];
  node.raft->fetched(old, stored(2, 2));
  node.turn();
  const Index next = lagging().next;
  node.raft->fetched(old, stored(2, 2));
  node.raft->fetch_failed(old, {ErrorCode::compacted, ""});
  EXPECT_TRUE(node.turn().empty());
  EXPECT_EQ(lagging().next, next);
  EXPECT_TRUE(node.wants_snapshot.empty());
  node.receive(3, 9, Heartbeat{.commit = {}});
  node.raft->fetched(node.fetches[1], stored(3, 4));
  node.raft->fetch_failed(node.fetches[1], {ErrorCode::io, ""});
  EXPECT_TRUE(node.turn().empty());
}

// hazard: H49
TEST_F(Fetching, AReadErrorEndsTheStreamUntilTheNextHeartbeat) {
  node.raft->fetch_failed(node.fetches[0], {ErrorCode::io, "segment 7"});
  EXPECT_TRUE(node.turn().empty());
  ASSERT_EQ(node.count<FetchFailed>(), 1u) << "and is told";
  EXPECT_EQ(describe(node.events.back()), "PeerStateChanged node 2 probe");
  EXPECT_EQ(describe(node.events[node.events.size() - 2]), "FetchFailed 2..4 for node 2: io, segment 7");
  EXPECT_EQ(lagging().state, ReplicationState::probe);
  EXPECT_EQ(lagging().next, Index(2));
  node.fire(Timer::heartbeat);
  node.receive(2, 2, holds(1));
  EXPECT_EQ(node.fetches.size(), 2u);
}

// hazard: H49  A store that answers with something else, or with nothing, is not believed, nor asked again at once.
TEST_F(Fetching, WhatTheLogDoesNotHoldIsNotSent) {
  auto other_term = stored(2, 4);
  other_term[1].term = Term(2);
  auto gap = stored(2, 4);
  gap.erase(gap.begin() + 1);
  for (const auto& wrong : {other_term, gap, stored(3, 4), std::vector<Entry>{}}) {
    const std::size_t asked = node.fetches.size();
    node.raft->fetched(node.fetches.back(), wrong);
    EXPECT_TRUE(node.turn().empty());
    EXPECT_EQ(node.count<FetchFailed>(), asked) << "each time";
    EXPECT_EQ(node.fetches.size(), asked);
    node.fire(Timer::heartbeat);
    node.receive(2, 2, holds(1));
    ASSERT_EQ(node.fetches.size(), asked + 1);
  }
}

// hazard: H11
TEST_F(Fetching, WhatIsCompactedAwayMeansASnapshot) {
  node.raft->fetch_failed(node.fetches[0], {ErrorCode::compacted, ""});
  node.turn();
  EXPECT_EQ(node.count<FetchFailed>(), 0u) << "nothing is wrong";
  EXPECT_EQ(node.wants_snapshot, (std::vector{NodeId(2)}));
  EXPECT_EQ(lagging().state, ReplicationState::snapshot);
}

TEST_F(Fetching, AnUnreachablePeersFetchIsForgotten) {
  node.raft->unreachable(NodeId(2));
  node.raft->fetched(node.fetches[0], stored(2, 4));
  EXPECT_TRUE(all<AppendRequest>(node.turn()).empty());
  EXPECT_EQ(lagging().next, Index(2));
}

// What is in memory is bounded, but never loses what is not yet committed and durable.
TEST(Flow, TheCacheKeepsToItsBound) {
  Group group(3, [](RaftOptions& o) { o.log_cache_bytes = 1000; });
  group.elect(1);
  group.node(1).instant_disk = false;
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(group.propose(1, std::string(100, 'x')));
  EXPECT_GT(group.raft(1).log().cache_bytes(), 8000u);
  group.settle();
  group.finish_writes(std::uint64_t{1});
  group.settle();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_LE(group.raft(id).log().cache_bytes(), 1000u) << id;
}

}  // namespace
}  // namespace keel::test
