#include "keel/sim/checks.hpp"

#include <gtest/gtest.h>

namespace keel::sim {
namespace {

constexpr NodeId one{1};

NodeEvent failed(ErrorCode code) { return NodeFailed{{code, "why"}}; }

bool is_violation(const NodeEvent& event, std::optional<Trouble> expected) {
  SafetyChecks checks(3);
  if (expected) checks.expect(one, *expected);
  checks.happened(one, event, nullptr);
  return checks.violation().has_value();
}

// A broken disk excuses what a broken disk does, and nothing else.
TEST(SafetyChecks, ATroubleExplainsItsOwnErrorsOnly) {
  const std::vector<std::pair<NodeEvent, Trouble>> errors = {
      {failed(ErrorCode::io), Trouble::storage_fails},
      {failed(ErrorCode::corrupt), Trouble::storage_fails},
      {MachineFailed{Index(1), {ErrorCode::failed, "why"}}, Trouble::machine_fails},
      {StorageFull{.full = true, .room = 0}, Trouble::storage_full},
      {RaftEvent(StorageStalled{true}), Trouble::storage_stalls},
  };
  for (const auto& [event, explanation] : errors) {
    SCOPED_TRACE(describe(Event{.number = 1, .at = {}, .what = event}));
    EXPECT_TRUE(is_violation(event, std::nullopt));
    for (const Trouble trouble :
         {Trouble::storage_fails, Trouble::storage_stalls, Trouble::storage_full, Trouble::machine_fails}) {
      const bool no_segment = std::holds_alternative<NodeFailed>(event) && trouble == Trouble::storage_full;
      EXPECT_EQ(is_violation(event, trouble), trouble != explanation && !no_segment);
    }
  }
}

TEST(SafetyChecks, NothingExplainsANodeThatFoundItselfWrong) {
  EXPECT_TRUE(is_violation(failed(ErrorCode::failed), Trouble::storage_fails));
  EXPECT_TRUE(is_violation(RaftEvent(ProtocolViolation{"two leaders"}), Trouble::storage_fails));
  EXPECT_TRUE(is_violation(EntrySkipped{Index(1), EntryKind::session}, Trouble::machine_fails));
}

TEST(SafetyChecks, WhatIsNoErrorNeedsNoExplanation) {
  EXPECT_FALSE(is_violation(StorageFull{.full = false, .room = 1}, std::nullopt));
  EXPECT_FALSE(is_violation(RaftEvent(StorageStalled{false}), std::nullopt));
  EXPECT_FALSE(is_violation(NodeStopped{}, std::nullopt));
}

TEST(SafetyChecks, TroublesAreCounted) {
  SafetyChecks checks(3);
  checks.expect(one, Trouble::storage_fails);
  checks.expect(one, Trouble::storage_fails);
  checks.expect_no_more(one, Trouble::storage_fails);
  EXPECT_TRUE(checks.expects(one, Trouble::storage_fails));
  EXPECT_FALSE(checks.expects(NodeId(2), Trouble::storage_fails));
  checks.expect_nothing();
  EXPECT_FALSE(checks.expects(one, Trouble::storage_fails));
  checks.happened(one, failed(ErrorCode::io), nullptr);
  ASSERT_TRUE(checks.violation());
  EXPECT_EQ(checks.violation()->check, "unexpected event");
}

Recovered two_entries(Term now) {
  Recovered found;
  found.hard_state = {now, nobody};
  found.terms = {{Index(1), Term(1)}, {Index(2), Term(2)}};
  found.last = Index(2);
  return found;
}

// A follower's log is longer than the new leader's, and is being cut: that something else was durable there does not
// count for what takes its place.
TEST(SafetyChecks, AnAcknowledgementIsOfWhatTookACutEntrysPlace) {
  for (const bool together : {false, true}) {
    SafetyChecks checks(3);
    checks.opened(one, two_entries(Term(2)));
    WriteBatch term;
    term.hard_state = HardState{Term(3), nobody};
    WriteBatch cut;
    cut.truncate_from = Index(2);
    cut.entries = {{Index(2), Term(3), EntryKind::command, {}}};
    checks.writes(one, term);
    if (together) checks.writes(one, cut);
    checks.wrote(one);
    if (!together) checks.writes(one, cut);
    const auto acknowledge = [&](Index index) {
      Message reply;
      reply.from = one;
      reply.to = NodeId(2);
      reply.term = Term(3);
      reply.body = AppendReply{.accepted = true, .index = index, .hint = {}};
      checks.sent({reply.group, reply.from, reply.to, reply});
      return !checks.violation();
    };
    EXPECT_TRUE(acknowledge(Index(1)));
    SafetyChecks after = checks;
    after.wrote(one);
    std::swap(checks, after);
    EXPECT_TRUE(acknowledge(Index(2)));
    std::swap(checks, after);
    ASSERT_FALSE(acknowledge(Index(2)));
    EXPECT_EQ(checks.violation()->check, "promises");
  }
}

// Entry 2 was made in term 2, and is committed in term 5 with an entry of that term.
class ACommittedEntry : public testing::Test {
 protected:
  ACommittedEntry() {
    const Genesis genesis = make_genesis("checks", {{.id = one}});
    Recovered found = two_entries(Term(4));
    found.configurations = {{Index(1), Term(1), EntryKind::genesis, encode(genesis)}};
    checks_.opened(one, found);
    RaftOptions options;
    options.id = one;
    Raft raft = Raft::make(options, found, Instant()).value();
    raft.expire(Timer::election);
    for (Output output; raft.has_output();) {
      raft.take_output(output);
      if (!output.write) continue;
      checks_.writes(one, output.write->batch);
      checks_.wrote(one);
      raft.written(output.write->id);
    }
    EXPECT_TRUE(checks_.stepped(one, raft));
    EXPECT_EQ(checks_.committed_term(Index(2)), Term(2));
  }

  // Another node, that was in `term` and has entry 2 too, makes place for another one.
  void cut(Term term) {
    const NodeId two{2};
    checks_.opened(two, two_entries(term));
    WriteBatch batch;
    batch.hard_state = HardState{Term(6), nobody};
    batch.truncate_from = Index(2);
    batch.entries = {{Index(2), Term(3), EntryKind::command, {}}};
    checks_.writes(two, batch);
  }

  SafetyChecks checks_{3};
};

TEST_F(ACommittedEntry, IsNotCutByANodeOfItsTerm) {
  ASSERT_FALSE(checks_.violation());
  cut(Term(5));
  ASSERT_TRUE(checks_.violation());
  EXPECT_EQ(checks_.violation()->check, "state machine safety");
}

// It stood still while terms 3 to 6 went by; now the leader of term 3 is heard first. Its copy was never counted.
TEST_F(ACommittedEntry, MayBeCutByANodeThatLagsBehindItsTerm) {
  cut(Term(2));
  EXPECT_FALSE(checks_.violation());
}

}  // namespace
}  // namespace keel::sim
