#include "keel/raft/event.hpp"

#include <gtest/gtest.h>

namespace keel::test {
namespace {

std::vector<std::pair<RaftEvent, const char*>> described() {
  const auto joint = std::make_shared<const Configuration>(
      Configuration{.members = {{.id = NodeId(1)}, {.id = NodeId(4)}}, .joint = true});
  const IndexRange range{Index(3), Index(5)};
  return {
      {RoleChanged{RoleName::leader, Term(2)}, "RoleChanged leader term 2"},
      {TermChanged{Term(2)}, "TermChanged 2"},
      {LeaderChanged{NodeId(3), Term(2)}, "LeaderChanged node 3 term 2"},
      {LeaderChanged{nobody, Term(2)}, "LeaderChanged nobody term 2"},
      {CampaignStarted{true, false, Term(2)}, "CampaignStarted rehearsal for term 2"},
      {CampaignStarted{false, true, Term(2)}, "CampaignStarted for term 2, asked"},
      {VoteCast{NodeId(3), Term(2)}, "VoteCast for node 3 term 2"},
      {SplitVote{Term(2)}, "SplitVote term 2"},
      {LeaderReady{Term(2)}, "LeaderReady term 2"},
      {SteppedDown{Term(2), StepDownReason::lost_quorum}, "SteppedDown term 2: lost_quorum"},
      {CommitAdvanced{Index(9)}, "CommitAdvanced 9"},
      {EntriesAppended{range, Term(2)}, "EntriesAppended 3..5 term 2"},
      {EntriesTruncated{range}, "EntriesTruncated 3..5"},
      {ConfigurationInForce{Index(7), joint}, "ConfigurationInForce index 7: 1 4 (joint)"},
      {PeerStateChanged{NodeId(3), ReplicationState::pipeline}, "PeerStateChanged node 3 pipeline"},
      {MessageRejected{NodeId(3), "Heartbeat", RejectReason::old_term},
       "MessageRejected Heartbeat from node 3: old_term"},
      {TransferStarted{NodeId(3)}, "TransferStarted to node 3"},
      {TransferEnded{NodeId(3), TransferEnd::timed_out}, "TransferEnded to node 3: timed_out"},
      {StorageStalled{true}, "StorageStalled true"},
      {FetchFailed{NodeId(3), range, {ErrorCode::io, "segment 7"}}, "FetchFailed 3..5 for node 3: io, segment 7"},
      {ProtocolViolation{"two leaders"}, "ProtocolViolation two leaders"},
  };
}

TEST(Event, EachHasANameAndALine) {
  std::vector<bool> seen(std::variant_size_v<RaftEvent>);
  for (const auto& [event, line] : described()) {
    EXPECT_EQ(describe(event), line);
    EXPECT_EQ(name_of(event), std::string(line).substr(0, std::string(line).find(' ')));
    seen[event.index()] = true;
  }
  EXPECT_EQ(std::ranges::count(seen, false), 0) << "an event is missing above";
}

template <class Enum>
void expect_named(int count) {
  std::vector<std::string_view> names;
  for (int i = 0; i < count; ++i)
    names.push_back(to_string(static_cast<Enum>(i)));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_EQ(std::ranges::count(names, "unknown"), 0);
  EXPECT_EQ(to_string(static_cast<Enum>(count)), "unknown") << "the test knows too few";
}
TEST(Event, EveryReasonHasItsOwnName) {
  expect_named<RoleName>(3);
  expect_named<ReplicationState>(3);
  expect_named<RejectReason>(6);
  expect_named<StepDownReason>(5);
  expect_named<TransferEnd>(5);
}

// Each kind of event has a bit of its own, so that a mask can want any set of them.
TEST(Event, EachHasABitOfItsOwn) {
  static_assert(bit_of<RoleChanged>() == 1U);
  static_assert(bit_of<ProtocolViolation>() == 1U << (std::variant_size_v<RaftEvent> - 1));
  static_assert(std::variant_size_v<RaftEvent> <= 32);
}

}  // namespace
}  // namespace keel::test
