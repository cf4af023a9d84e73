#include <gtest/gtest.h>

#include "lone.hpp"
#include "walk.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

AppendRequest append_third(std::uint64_t term, const std::string& text = "a") {
  return {.previous = Lone::at(2, 4), .commit = Index(2), .entries = {Lone::entry(3, term, text)}};
}
Lone follower() { return {{4}, {Term(5), nobody}}; }

TEST(Value, ACopyGoesOnByItself) {
  Lone node({4}, {Term(5), nobody});
  const Raft before = *node.raft;
  Raft copy = *node.raft;
  node.receive(2, 5, append_third(5));
  EXPECT_EQ(copy, before);
  EXPECT_NE(*node.raft, copy);
  Output out;
  copy.receive({{}, NodeId(2), NodeId(1), Term(5), append_third(5)});
  copy.take_output(out);
  EXPECT_EQ(out.write->batch.entries, append_third(5).entries);
  copy.written(out.write->id);
  copy.take_output(out);
  copy.applied(Index(2));
  copy.take_output(out);
  EXPECT_EQ(*node.raft, copy) << "the same inputs lead to the same state";
  EXPECT_EQ(node.raft->fingerprint(), copy.fingerprint());
}

// Nothing may hide it: whoever drives this Raft must stop.
TEST(Value, AProtocolViolationIsToldWhateverEventsAreWanted) {
  Lone node({}, {Term(1), nobody}, [](RaftOptions& o) { o.events = 0; });
  node.lead();
  EXPECT_TRUE(node.events.empty());
  node.receive(3, 2, Heartbeat{.commit = {}, .round = 1});
  EXPECT_EQ(node.count<ProtocolViolation>(), 1u);
}

// Machines answer all the time; a leader that has nothing to do for it is left in peace.
TEST(Value, WhatIsAppliedIsNoReasonForATurn) {
  Lone node({}, {Term(1), nobody});
  node.fire(Timer::election);
  node.receive(2, 2, VoteReply{.pre_vote = true, .granted = true});
  node.raft->receive({{}, NodeId(2), NodeId(1), Term(2), VoteReply{.granted = true}});
  Output out;
  node.raft->take_output(out);
  node.raft->written(out.write->id);
  node.raft->receive({{}, NodeId(2), NodeId(1), Term(2), AppendReply{.accepted = true, .index = Index(2), .hint = {}}});
  node.raft->take_output(out);
  ASSERT_EQ(out.apply.last, Index(2));
  node.raft->applied(Index(1));
  EXPECT_FALSE(node.raft->has_output());
  node.raft->applied(Index(2));
  EXPECT_TRUE(node.raft->has_output()) << "it is ready";
  node.raft->take_output(out);
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<LeaderReady>(out.events[0]));
}

std::string text(const Output& out) {
  std::string all;
  for (const Message& message : out.send)
    all += long_form(message) + "\n";
  for (const HeldMessage& held : out.send_after_write) {
    all += std::to_string(held.after.value()) + ": " + long_form(held.message) + "\n";
  }
  for (const RaftEvent& event : out.events)
    all += describe(event) + "\n";
  for (const ReadReady& read : out.reads_ready)
    all += "read " + std::to_string(read.id.value()) + "\n";
  all += std::to_string(out.apply.first.value()) + ".." + std::to_string(out.apply.last.value());
  if (out.write)
    all += " write " + std::to_string(out.write->id.value()) + " " + std::to_string(out.write->batch.entries.size());
  return all;
}

// hazard: H60  Copies of every node of a group led astray, given the same inputs, say the same and stay the same.
TEST(Value, EqualInputsGiveEqualOutputs) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Walk walk(seed);
    for (int step = 0; step < 40; ++step) {
      walk.storm(25);
      for (auto& [id, member] : walk.group.nodes) {
        if (!member.raft) continue;
        walk.group.pump(id);
        Raft one = *member.raft;
        Raft two = *member.raft;
        ASSERT_EQ(one.fingerprint(), two.fingerprint());
        for (Raft* raft : {&one, &two}) {
          raft->advance(walk.group.time_of(member) + 50ms);
          raft->expire(static_cast<Timer>(step % 5));
          (void)raft->propose(EntryKind::command, Group::payload("x"));
          (void)raft->read(ReadId(1000000));
          if (!walk.group.network.empty()) {
            Message message = walk.group.network.front();
            message.to = id;
            if (message.from != id) raft->receive(std::move(message));
          }
        }
        Output first;
        Output second;
        one.take_output(first);
        two.take_output(second);
        ASSERT_EQ(text(first), text(second)) << "seed " << seed;
        ASSERT_EQ(one, two) << "seed " << seed;
        ASSERT_EQ(one.fingerprint(), two.fingerprint()) << "seed " << seed;
      }
    }
  }
}

// hazard: H60
TEST(Value, ASeedReplaysExactly) {
  const auto run = [](std::uint64_t seed) {
    Walk walk(seed);
    walk.storm(2000);
    std::string all;
    for (const Message& message : walk.group.network)
      all += long_form(message) + "\n";
    for (const auto& [id, member] : walk.group.nodes) {
      for (const RaftEvent& event : member.events)
        all += describe(event) + "\n";
    }
    return all;
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    EXPECT_EQ(run(seed), run(seed));
}

// Two histories that lead to the same protocol state: other times, other rounds, other numbers of writes.
TEST(Fingerprint, IsTheSameForStatesThatDifferOnlyInTimesAndCounters) {
  const auto settled = [](int beats, Duration apart) {
    Lone node = follower();
    for (int i = 1; i <= beats; ++i) {
      node.advance(apart);
      node.receive(2, 5, Heartbeat{.commit = {}, .round = static_cast<std::uint64_t>(i)});
    }
    node.receive(2, 5, append_third(5));
    return node;
  };
  const Lone early = settled(1, 0ms);
  const Lone late = settled(40, 90ms);
  EXPECT_NE(*early.raft, *late.raft);
  EXPECT_EQ(early.raft->fingerprint(), late.raft->fingerprint());

  const auto leader = [](int rounds) {
    Lone node = follower();
    node.lead();
    for (std::uint64_t peer : {2, 3}) {
      node.receive(peer, 6, AppendReply{.accepted = true, .index = Index(3), .hint = {}});
    }
    for (int i = 1; i <= rounds; ++i) {
      node.fire(Timer::heartbeat);
      for (std::uint64_t peer : {2, 3})
        node.receive(peer, 6, HeartbeatReply{.round = static_cast<std::uint64_t>(i)});
    }
    return node.raft->fingerprint();
  };
  EXPECT_EQ(leader(1), leader(30));
}

// A timer counts as armed or expired: between, time makes no difference.
TEST(Fingerprint, KnowsOnlyWhetherATimerHasExpired) {
  Lone node = follower();
  const Instant due = *node.raft->next_deadline();
  Raft raft = *node.raft;
  const auto at = [&](Duration before) {
    Raft copy = raft;
    copy.advance(due - before);
    return copy.fingerprint();
  };
  EXPECT_EQ(at(900ms), at(1ns));
}

// What the protocol tells apart is told apart. Each line is one state; all differ.
TEST(Fingerprint, DiffersWithTheProtocolsState) {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  const auto add = [&](const std::string& what, const Lone& node) { all.emplace_back(what, node.raft->fingerprint()); };
  const auto with = [&](const std::string& what, auto change) {
    Lone node = follower();
    change(node);
    add(what, node);
  };
  with("as it starts", [](Lone&) {});
  with("a leader", [](Lone& n) { n.receive(2, 5, Heartbeat{.commit = {}, .round = 1}); });
  with("another leader", [](Lone& n) { n.receive(3, 5, Heartbeat{.commit = {}, .round = 1}); });
  with("another term", [](Lone& n) { n.receive(2, 6, VoteReply{}); });
  with("a vote", [](Lone& n) { n.receive(2, 5, VoteRequest{.last = Lone::at(9, 5)}); });
  with("another vote", [](Lone& n) { n.receive(3, 5, VoteRequest{.last = Lone::at(9, 5)}); });
  with("an entry", [](Lone& n) { n.receive(2, 5, append_third(5)); });
  with("an entry of another term", [](Lone& n) { n.receive(2, 5, append_third(4)); });
  with("an entry with other content", [](Lone& n) { n.receive(2, 5, append_third(5, "b")); });
  with("a commit", [](Lone& n) {
    n.receive(2, 5, append_third(5));
    n.receive(2, 5, Heartbeat{.commit = Index(3), .round = 1});
  });
  with("a read waiting", [](Lone& n) {
    n.receive(2, 5, Heartbeat{.commit = {}, .round = 1});
    (void)n.raft->read(ReadId(1));
    n.turn();
  });
  with("rehearsing", [](Lone& n) { n.fire(Timer::election); });
  with("refused", [](Lone& n) {
    n.fire(Timer::election);
    n.receive(2, 5, VoteReply{.pre_vote = true});
  });
  with("leading", [](Lone& n) { n.lead(); });
  with("leading, a peer matched", [](Lone& n) {
    n.lead();
    n.receive(2, 6, AppendReply{.accepted = true, .index = Index(2), .hint = {}});
  });
  with("leading, another matched", [](Lone& n) {
    n.lead();
    n.receive(3, 6, AppendReply{.accepted = true, .index = Index(2), .hint = {}});
  });
  with("leading, a transfer", [](Lone& n) {
    n.lead();
    (void)n.raft->transfer_leadership(NodeId(2));
    n.turn();
  });
  with("leading, a round unanswered", [](Lone& n) {
    n.lead();
    n.fire(Timer::heartbeat);
  });
  with("a write under way", [](Lone& n) {
    n.raft->receive({{}, NodeId(2), NodeId(1), Term(5), append_third(5)});
    n.raft->take_output(n.out);
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_NE(all[i].second, all[j].second) << all[i].first << " and " << all[j].first;
  }
}

}  // namespace
}  // namespace keel::test
