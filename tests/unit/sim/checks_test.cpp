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

}  // namespace
}  // namespace keel::sim
