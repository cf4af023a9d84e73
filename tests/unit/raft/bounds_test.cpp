#include <gtest/gtest.h>

#include "group.hpp"
#include "lone.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

ErrorCode refused(const Result<LogPosition>& result) { return result ? ErrorCode::failed : result.error().code; }

// hazard: H52  scenario: C-20  A leader that cannot commit refuses past the bound, however long it goes on.
TEST(Bounds, UncommittedBytesAreBounded) {
  Group group(3, [](RaftOptions& o) {
    o.max_uncommitted_bytes = 10000;
    o.check_quorum = o.stickiness = false;
  });
  group.elect(1);
  std::size_t taken = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto position = group.propose(1, std::string(100, 'x'));
    taken += position ? 1 : 0;
    EXPECT_TRUE(position || refused(position) == ErrorCode::overloaded);
    group.lose();
  }
  EXPECT_EQ(taken, 10000u / (100 + Log::entry_overhead));
  EXPECT_LT(group.raft(1).log().cache_bytes(), 11000u);
  group.run(1s);
  EXPECT_TRUE(group.propose(1, "once they are committed, more")) << "the room comes back";
  group.settle();
  EXPECT_EQ(group.raft(1).commit(), Index(taken + 3));
}

// hazard: H52  The others commit without this leader's disk, which is the slow one: what it keeps in memory meanwhile is
// bounded all the same.
TEST(Bounds, ALeadersOwnSlowDiskIsNoWayRoundTheBound) {
  Group group(3, [](RaftOptions& o) {
    o.max_uncommitted_bytes = 10000;
    o.log_cache_bytes = 0;
  });
  group.elect(1);
  group.node(1).instant_disk = false;
  Index last;
  for (int i = 0; i < 1000; ++i) {
    const auto position = group.propose(1, std::string(100, 'x'));
    if (position) last = position->index;
    EXPECT_TRUE(position || refused(position) == ErrorCode::overloaded);
    group.settle();
    ASSERT_LE(group.raft(1).log().cache_bytes(), 10000u);
  }
  EXPECT_EQ(group.raft(1).commit(), last) << "the others hold it all";
  group.finish_writes(std::uint64_t{1});
  EXPECT_TRUE(group.propose(1, "the room comes back"));
}

// The first always fits, or a bound below an entry's size would stop everything.
TEST(Bounds, OneEntryAlwaysFits) {
  Group group(1, [](RaftOptions& o) { o.max_uncommitted_bytes = 1; });
  group.fire(1, Timer::election);
  EXPECT_TRUE(group.propose(1, std::string(1000, 'x')));
  EXPECT_TRUE(group.propose(1, std::string(1000, 'x')));
  group.node(1).instant_disk = false;
  EXPECT_TRUE(group.propose(1, "x"));
  EXPECT_EQ(refused(group.propose(1, "x")), ErrorCode::overloaded);
}

// What a leader could not commit is no burden on the next leadership of the same node.
TEST(Bounds, ANewLeadershipStartsFresh) {
  Group group(3, [](RaftOptions& o) { o.max_uncommitted_bytes = 300; });
  group.elect(1);
  ASSERT_TRUE(group.propose(1, std::string(150, 'x')));
  group.lose();
  EXPECT_EQ(refused(group.propose(1, std::string(150, 'x'))), ErrorCode::overloaded);
  group.elect(2);
  group.elect(1);
  EXPECT_TRUE(group.propose(1, std::string(150, 'x')));
}

// scenario: C-21
TEST(Bounds, AnEntryHasALimit) {
  Group group(1, [](RaftOptions& o) { o.max_entry_bytes = 1000; });
  group.fire(1, Timer::election);
  EXPECT_TRUE(group.propose(1, ""));
  EXPECT_TRUE(group.propose(1, "x"));
  EXPECT_TRUE(group.propose(1, std::string(1000, 'x')));
  const Index last = group.raft(1).log().last().index;
  const auto position = group.propose(1, std::string(1001, 'x'));
  EXPECT_EQ(refused(position), ErrorCode::too_large);
  EXPECT_EQ(position.error().message, "1001 bytes; an entry has at most 1000");
  EXPECT_EQ(group.raft(1).log().last().index, last);
}

// mission: 3 R4  Who cannot append says why, and who could; nothing is appended.
TEST(Bounds, EveryRoleAnswersAProposal) {
  Lone node({}, {Term(2), nobody});
  EXPECT_EQ(refused(node.propose("x")), ErrorCode::no_leader);
  node.receive(2, 2, Heartbeat{.commit = {}, .round = 1});
  const auto redirected = node.propose("x");
  EXPECT_EQ(refused(redirected), ErrorCode::not_leader);
  EXPECT_EQ(redirected.error().leader, 2u);
  node.fire(Timer::election);
  EXPECT_EQ(refused(node.propose("x")), ErrorCode::no_leader) << "a candidate knows no leader";
  node.lead();
  const auto payload = [] { return Payload::copy_of({}); };
  EXPECT_EQ(refused(node.raft->propose(EntryKind::command, payload(), Term(2))), ErrorCode::wrong_term);
  for (const EntryKind kind : {EntryKind::genesis, EntryKind::term_start, EntryKind::configuration}) {
    EXPECT_EQ(refused(node.raft->propose(kind, payload())), ErrorCode::invalid);
  }
  EXPECT_EQ(node.raft->log().last().index, Index(2)) << "its term-start entry alone";
  EXPECT_EQ(*node.raft->propose(EntryKind::session, payload(), Term(3)), Lone::at(3, 3));
  EXPECT_EQ(*node.raft->propose(EntryKind::application, payload()), Lone::at(4, 3));
}

// mission: 3  A hint is never older than the node's term.
TEST(Bounds, AHintIsForgottenWithItsTerm) {
  Lone node({}, {Term(2), nobody});
  node.receive(2, 2, Heartbeat{.commit = {}, .round = 1});
  node.receive(3, 3, VoteReply{.refusal = Refusal::log_behind});
  EXPECT_EQ(node.raft->leader(), nobody);
  EXPECT_EQ(refused(node.propose("x")), ErrorCode::no_leader);
}

// mission: 4y.4  Below the floor nobody campaigns.
TEST(Bounds, FewerVotersThanTheFloorElectNobody) {
  Genesis genesis = make_genesis("test", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}});
  genesis.min_election_voters = 3;
  Group group(genesis);
  group.elect(1);
  EXPECT_EQ(group.raft(1).role(), RoleName::leader);
  Lone node({}, {Term(1), nobody});
  Configuration shrunk{.members = {{.id = NodeId(1)}}};
  node.disk.append({Index(2), Term(1), EntryKind::configuration, encode(shrunk)});
  node.start();
  EXPECT_TRUE(node.fire(Timer::election).empty()) << "one voter, where the genesis asks for two";
  EXPECT_EQ(node.raft->role(), RoleName::follower);
}

struct Broken {
  const char* says;
  std::function<void(Recovered&)> spoil;
};
// A store is the user's own: what contradicts itself is refused, not relied upon.
TEST(Bounds, WhatAStoreFoundIsChecked) {
  const std::vector<Broken> table = {
      {"damaged entries from index 3", [](Recovered& r) { r.untrusted = {{Index(3), Index(3)}}; }},
      {"of a term behind the recorded one", [](Recovered& r) { r.hard_state.term = Term(2); }},
      {"has no term", [](Recovered& r) { r.terms.clear(); }},
      {"the terms at entry 2 do not follow", [](Recovered& r) { r.terms.erase(r.terms.begin()); }},
      {"the terms at entry 4 do not follow", [](Recovered& r) { r.terms[2].term = Term(2); }},
      {"the terms at entry 2 do not follow", [](Recovered& r) { r.terms[2].first = Index(2); }},
      {"the terms at entry 9 do not follow", [](Recovered& r) { r.terms[2].first = Index(9); }},
      {"before its base", [](Recovered& r) { r.base.position = Lone::at(9, 3); }},
      {"configuration at entry 1 is out of order",
       [](Recovered& r) { r.configurations.push_back(r.configurations[0]); }},
      {"configuration at entry 9 is out of order", [](Recovered& r) { r.configurations[0].index = Index(9); }},
      {"configuration at entry 1 is of another kind",
       [](Recovered& r) { r.configurations[0].kind = EntryKind::configuration; }},
      {"configuration at entry 1 is of another term", [](Recovered& r) { r.configurations[0].term = Term(2); }},
      {"nothing says who was in the cluster there",
       [](Recovered& r) {
         r.base.position = Lone::at(1, 1);
         r.terms.erase(r.terms.begin());
         r.configurations.clear();
       }},
      {"cut short",
       [](Recovered& r) {
         r.configurations[0].payload = Payload::copy_of(r.configurations[0].payload.bytes().first(4));
       }},
  };
  const Lone node({2, 2, 3}, {Term(3), nobody});
  ASSERT_TRUE(Raft::make(node.options, node.disk.recover(), node.now));
  for (const Broken& broken : table) {
    Recovered found = node.disk.recover();
    broken.spoil(found);
    const auto made = Raft::make(node.options, found, node.now);
    ASSERT_FALSE(made) << broken.says;
    EXPECT_EQ(made.error().code, ErrorCode::corrupt) << broken.says;
    EXPECT_NE(made.error().message.find(broken.says), std::string::npos) << made.error().message;
  }
  RaftOptions bad = node.options;
  bad.max_append_bytes = 0;
  EXPECT_EQ(Raft::make(bad, node.disk.recover(), node.now).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace keel::test
