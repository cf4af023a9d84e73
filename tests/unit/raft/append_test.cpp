#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

AppendRequest append(LogPosition previous, std::vector<std::uint64_t> terms, std::uint64_t commit = 0) {
  AppendRequest request{.previous = previous, .commit = Index(commit), .entries = {}};
  for (const std::uint64_t term : terms) {
    request.entries.push_back(Lone::entry(previous.index.value() + 1 + request.entries.size(), term));
  }
  return request;
}
std::vector<std::uint64_t> terms_of(const Raft& raft) {
  std::vector<std::uint64_t> terms;
  for (Index index(1); index <= raft.log().last().index; ++index)
    terms.push_back(raft.log().term_at(index)->value());
  return terms;
}

// hazard: H3  scenario: X-03  The log may go on with a stale tail: only what this message verified is committed.
TEST(Append, CommitsNoFurtherThanTheMessageVerified) {
  Lone node({2, 2, 2}, {Term(3), nobody});
  node.receive(2, 3, append(Lone::at(1, 1), {2}, 4));
  EXPECT_EQ(node.raft->commit(), Index(2));
  node.receive(2, 3, append(Lone::at(3, 2), {}, 4));
  EXPECT_EQ(node.raft->commit(), Index(3));
  EXPECT_EQ(node.raft->log().last().index, Index(4)) << "the tail is not touched without a conflict";
}

// hazard: H3
TEST(Append, CommitsNoFurtherThanTheLeader) {
  Lone node({}, {Term(3), nobody});
  node.receive(2, 3, append(Lone::at(1, 1), {3, 3, 3}, 2));
  EXPECT_EQ(node.raft->commit(), Index(2));
}

// hazard: H5  scenario: X-02
TEST(Append, AShorterOlderCopyCutsNothing) {
  Lone node({}, {Term(3), nobody});
  node.receive(2, 3, append(Lone::at(1, 1), {3, 3, 3, 3}, 3));
  const auto reply = only<AppendReply>(node.receive(2, 3, append(Lone::at(1, 1), {3, 3}, 2)));
  EXPECT_TRUE(reply.accepted);
  EXPECT_EQ(reply.index, Index(3)) << "what this request verified, not the log's end (mission 70)";
  EXPECT_EQ(node.raft->log().last().index, Index(5));
  EXPECT_EQ(node.raft->commit(), Index(3));
  EXPECT_EQ(node.count<EntriesTruncated>(), 0u);
}

// hazard: H5  scenario: X-02  Every piece of one log, again and in any order, changes nothing that was verified.
TEST(Append, PiecesInAnyOrderNeverRemoveWhatWasVerified) {
  const std::vector<std::uint64_t> terms = {1, 2, 2, 3, 3, 3, 4};  // of the leader's log, from index 1
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    Lone node({1, 1, 1, 1}, {Term(4), nobody});
    Index verified(1);
    for (int piece = 0; piece < 12; ++piece) {
      const std::uint64_t from = 1 + random.below(terms.size());
      const std::uint64_t to = from + random.below(terms.size() - from + 1);
      const auto request = append(Lone::at(from, terms[from - 1]), {terms.begin() + static_cast<std::ptrdiff_t>(from),
                                                                    terms.begin() + static_cast<std::ptrdiff_t>(to)});
      const auto reply = only<AppendReply>(node.receive(2, 4, request));
      if (reply.accepted) verified = std::max(verified, reply.index);
      for (Index index(1); index <= verified; ++index) {
        ASSERT_EQ(node.raft->log().term_at(index), Term(terms[index.value() - 1])) << "round " << round;
      }
    }
  }
}

// scenario: X-02  Several conflicts at once: cut at the first, once.
TEST(Append, CutsAtTheFirstConflict) {
  Lone node({1, 2, 2, 3}, {Term(5), nobody});
  node.receive(2, 5, append(Lone::at(1, 1), {1, 4, 4}));
  EXPECT_EQ(terms_of(*node.raft), (std::vector<std::uint64_t>{1, 1, 4, 4}));
  EXPECT_EQ(node.count<EntriesTruncated>(), 1u);
  EXPECT_EQ(node.disk.last(), Index(4));
}

// hazard: H5  A conflict at or below the commit index is a broken protocol, and is said to be one.
TEST(Append, AConflictBelowTheCommitIndexIsNeverObeyed) {
  for (const AppendRequest& bad :
       {append(Lone::at(1, 1), {2, 4, 4}), append(Lone::at(3, 4), {4}), append(Lone::at(0, 0), {4, 4})}) {
    Lone node({2, 2, 2}, {Term(4), nobody});
    node.receive(2, 4, append(Lone::at(3, 2), {}, 3));
    ASSERT_EQ(node.raft->commit(), Index(3));
    EXPECT_TRUE(node.receive(2, 4, bad).empty());
    EXPECT_EQ(node.count<ProtocolViolation>(), 1u);
    EXPECT_EQ(terms_of(*node.raft), (std::vector<std::uint64_t>{1, 2, 2, 2}));
  }
}

TEST(Append, AnotherGenesisIsNeverObeyed) {
  Lone node({}, {Term(4), nobody});
  Entry other = Lone::entry(1, 2);
  node.receive(2, 4, AppendRequest{.previous = {}, .commit = {}, .entries = {other}});
  EXPECT_EQ(node.count<ProtocolViolation>(), 1u);
  EXPECT_EQ(node.raft->log().last(), Lone::at(1, 1));
}

TEST(Append, TwoLeadersInATermAreNoticed) {
  Lone node({}, {Term(4), nobody});
  node.receive(2, 4, append(Lone::at(1, 1), {4}));
  EXPECT_TRUE(node.receive(3, 4, append(Lone::at(1, 1), {4})).empty());
  EXPECT_EQ(node.count<ProtocolViolation>(), 1u);
  EXPECT_EQ(node.raft->leader(), NodeId(2));
}

// Entries that do not follow one another, or are of terms that cannot be, come from a broken peer: nothing is taken.
TEST(Append, WhatContradictsItselfIsNotTaken) {
  const Entry third = Lone::entry(3, 4);
  for (const AppendRequest& bad :
       {AppendRequest{Lone::at(1, 1), {}, {third}},
        AppendRequest{Lone::at(1, 1), {}, {Lone::entry(2, 4), Lone::entry(2, 4)}}, append(Lone::at(1, 1), {4, 3}),
        append(Lone::at(1, 1), {5}), append(Lone::at(1, 3), {2}), append(Lone::at(9, 5), {})}) {
    Lone node({}, {Term(4), nobody});
    EXPECT_TRUE(node.receive(2, 4, bad).empty());
    EXPECT_EQ(node.count<MessageRejected>(), 1u);
    EXPECT_EQ(node.raft->leader(), nobody);
    EXPECT_EQ(node.raft->log().last().index, Index(1));
  }
}

// hazard: H12 H43  Nothing is acknowledged before it is durable; writes are told in order, the first later than others.
TEST(Append, AnAcknowledgementWaitsForItsWrite) {
  Group group(3);
  group.elect(1);
  group.node(2).instant_disk = false;
  ASSERT_TRUE(group.propose(1, "a"));
  ASSERT_TRUE(group.propose(1, "b"));
  while (group.under_way(of<AppendRequest>(1, 2)) > 0)
    group.deliver_first(of<AppendRequest>(1, 2));
  EXPECT_EQ(group.under_way(of<AppendReply>(2, 1)), 0u);
  group.finish_write(NodeId(2));
  EXPECT_EQ(group.under_way(of<AppendReply>(2, 1)), 1u);
  group.finish_write(NodeId(2));
  EXPECT_EQ(group.under_way(of<AppendReply>(2, 1)), 2u);
}

// hazard: H4
TEST(Append, AHeartbeatCommitsNoMoreThanThePeerIsKnownToHold) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.settle(touching(3));
  group.fire(1, Timer::heartbeat);
  const auto beat = std::ranges::find_if(group.network, of<Heartbeat>(1, 3));
  ASSERT_NE(beat, group.network.end());
  EXPECT_EQ(std::get<Heartbeat>(beat->body).commit, Index(2));
  EXPECT_EQ(group.raft(1).commit(), Index(3));
}

// Builds a log from (term, count) pairs behind the genesis.
void write_log(ModelDisk& disk, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& runs) {
  for (const auto& [term, count] : runs) {
    for (std::uint64_t i = 0; i < count; ++i)
      disk.append(Lone::entry(disk.last().value() + 1, term, std::to_string(term)));
  }
}

// hazard: H6  A tail of 100,000 entries that diverges term by term is repaired in a round trip for each term.
TEST(Append, ALongDivergentTailIsRepairedInAFewRoundTrips) {
  constexpr std::uint64_t tail = 100000;
  for (const std::uint64_t terms : {1, 2, 10, 50}) {
    Group group(3, [](RaftOptions& o) {
      o.max_append_entries = 100000;
      o.max_append_bytes = 64 << 20;
    });
    for (std::uint64_t id : {1, 2, 3})
      group.crash(id);
    group.lose();
    // Node 2 was cut off with its own leaders' entries; nodes 1 and 3 have others, in terms between those.
    for (std::uint64_t term = 0; term < terms; ++term) {
      write_log(group.node(2).disk, {{2 * term + 2, tail / terms}});
      for (std::uint64_t id : {1, 3})
        write_log(group.node(id).disk, {{2 * term + 3, 1 + 100 / terms}});
    }
    for (std::uint64_t id : {1, 2, 3}) {
      group.node(id).disk.hard_state = {Term(2 * terms + 2), nobody};
      group.restart(id);
    }
    group.fire(1, Timer::election);
    std::size_t probes = 0;
    group.settle([&](const Message& m) {
      probes += is<AppendReply>(m) && m.from == NodeId(2) && !std::get<AppendReply>(m.body).accepted ? 1 : 0;
      return false;
    });
    group.finish_fetches(1);
    EXPECT_EQ(group.raft(1).role(), RoleName::leader);
    EXPECT_EQ(group.raft(2).log().terms(), group.raft(1).log().terms());
    EXPECT_LE(probes, 2 * terms + 1) << terms << " terms";
  }
}

// hazard: H6  A refusal that comes late, or twice, never takes back what is known.
TEST(Append, ALateRefusalTakesNothingBack) {
  Lone node({1, 1, 1}, {Term(1), nobody});
  node.lead();  // its term-start entry is 5
  const AppendReply refusal{.accepted = false, .index = Index(4), .hint = Lone::at(2, 1)};
  node.receive(2, 2, refusal);
  node.receive(2, 2, AppendReply{.accepted = true, .index = Index(5), .hint = {}});
  const PeerStatus known = node.raft->status().peers[0];
  EXPECT_EQ(known.match, Index(5));
  EXPECT_TRUE(node.receive(2, 2, refusal).empty());
  EXPECT_EQ(node.raft->status().peers[0].next, known.next);
  EXPECT_EQ(node.raft->status().peers[0].state, ReplicationState::pipeline);
}

// hazard: H6  Whatever a peer claims to hold, a hint leads downwards and never below what is known to match.
TEST(Append, AHintIsBounded) {
  Lone node({1, 1, 1}, {Term(1), nobody});
  node.lead();
  for (const LogPosition hint : {Lone::at(1000, 1), Lone::at(0, 0), Lone::at(4, 99), Lone::at(3, 1)}) {
    const Index before = node.raft->status().peers[0].next;
    node.receive(2, 2, AppendReply{.accepted = false, .index = before.previous(), .hint = hint});
    const PeerStatus peer = node.raft->status().peers[0];
    EXPECT_LE(peer.next, before);
    EXPECT_GT(peer.next, peer.match);
  }
  EXPECT_TRUE(node.receive(2, 2, AppendReply{.accepted = true, .index = Index(999), .hint = {}}).empty());
  EXPECT_EQ(node.raft->status().peers[0].match, Index(0)) << "nobody holds more than the leader";
}

// scenario: X-04  hazard: H7
TEST(Append, AnswersFromAnOlderTermChangeNothing) {
  Group group(3);
  group.elect(1);
  ASSERT_TRUE(group.propose(1, "a"));
  group.deliver_first(of<AppendRequest>(1, 2));
  const auto late = std::ranges::find_if(group.network, of<AppendReply>(2, 1));
  ASSERT_NE(late, group.network.end());
  const Message old = *late;
  group.settle();
  group.elect(2);
  group.elect(1);
  const auto before = group.raft(1).status();
  group.deliver(old);
  EXPECT_EQ(group.raft(1).status().peers[0].match, before.peers[0].match);
  EXPECT_EQ(group.raft(1).commit(), before.commit);
}

// hazard: H6 H7  scenario: X-04  An append comes two terms late, when its sender leads again, with a shorter log: what it
// is answered carries the term of now, and must not be taken for an answer to what that leader sends now.
TEST(Append, AnAppendOfTheSameLeadersEarlierTermIsNotAnsweredAsOneOfThis) {
  Group group(3);
  group.elect(1);
  for (const char* command : {"a", "b", "c"})
    ASSERT_TRUE(group.propose(1, command));
  std::vector<Message> late;
  std::ranges::copy_if(group.network, std::back_inserter(late), of<AppendRequest>(1, 2));
  ASSERT_FALSE(late.empty());
  group.lose();
  group.elect(2);
  group.elect(1);
  const PeerStatus before = group.raft(1).status().peers[0];
  for (const Message& message : late) {
    ASSERT_LT(message.term, group.raft(2).term());
    group.deliver(message);
    const auto answer = std::ranges::find_if(group.network, of<AppendReply>(2, 1));
    ASSERT_NE(answer, group.network.end());
    EXPECT_EQ(answer->term, group.raft(1).term());
    EXPECT_EQ(std::get<AppendReply>(answer->body), AppendReply{}) << "it names nothing of the request";
    group.deliver_first(of<AppendReply>(2, 1));
  }
  EXPECT_EQ(group.raft(1).status().peers[0].match, before.match);
  EXPECT_EQ(group.raft(1).status().peers[0].next, before.next);

  Lone node({1, 1, 1}, {Term(1), nobody});
  node.lead();
  node.receive(2, node.raft->term().value(), AppendReply{});
  const auto* rejected = std::get_if<MessageRejected>(&node.events.back());
  ASSERT_NE(rejected, nullptr);
  EXPECT_EQ(rejected->reason, RejectReason::stale);
  EXPECT_GT(node.raft->status().peers[0].next, Index(1)) << "no reason to go back to the log's beginning";
}

// scenario: E-12
TEST(Append, AnEntryThatReachedNobodyGivesWay) {
  Group group(3);
  group.fire(1, Timer::election);
  group.settle(of<AppendRequest>());  // node 1 leads, and its first entry reaches nobody
  ASSERT_EQ(group.raft(1).log().last(), Lone::at(2, 2));
  group.crash(1);
  group.elect(2);
  ASSERT_EQ(group.raft(2).log().last().index, Index(2));
  group.restart(1);
  group.run(1s);
  EXPECT_EQ(group.raft(1).log().last(), group.raft(2).log().last());
  EXPECT_EQ(group.raft(1).commit(), group.raft(2).commit());
}

// scenario: X-06  Figure 7 of the paper: the leader of term 8 and six followers, each with another log.
TEST(Append, AllSixFollowersOfFigureSevenAreRepaired) {
  using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  const std::vector<Runs> logs = {
      {{1, 3}, {4, 2}, {5, 2}, {6, 3}},          // the leader
      {{1, 3}, {4, 2}, {5, 2}, {6, 2}},          // a: an entry is missing
      {{1, 3}, {4, 1}},                          // b: many are
      {{1, 3}, {4, 2}, {5, 2}, {6, 4}},          // c: one too many
      {{1, 3}, {4, 2}, {5, 2}, {6, 3}, {7, 2}},  // d: two of a later term
      {{1, 3}, {4, 4}},                          // e: both
      {{1, 3}, {2, 3}, {3, 5}},                  // f: both, over two terms
  };
  Group group(7);
  for (std::uint64_t id = 1; id <= 7; ++id) {
    group.crash(id);
    ModelDisk& disk = group.node(id).disk;
    write_log(disk, logs[id - 1]);
    disk.hard_state = {Term(7), nobody};
  }
  group.lose();
  for (std::uint64_t id = 1; id <= 7; ++id)
    group.restart(id);
  group.fire(1, Timer::election);
  std::map<NodeId, std::size_t> refusals;
  group.settle([&](const Message& m) {
    if (const auto* reply = std::get_if<AppendReply>(&m.body); reply != nullptr && !reply->accepted) ++refusals[m.from];
    return false;
  });
  group.finish_fetches(1);
  ASSERT_EQ(group.raft(1).role(), RoleName::leader);
  for (std::uint64_t id = 2; id <= 7; ++id) {
    EXPECT_EQ(group.raft(id).log().terms(), group.raft(1).log().terms()) << id;
    EXPECT_EQ(group.raft(id).commit(), Index(12)) << id;
    EXPECT_LE(refusals[NodeId(id)], 3u) << "about one probe a term that differs; node " << id;
  }
}

}  // namespace
}  // namespace keel::test
