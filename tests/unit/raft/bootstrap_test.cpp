#include <gtest/gtest.h>

#include "keel/raft/raft.hpp"

namespace keel::test {
namespace {

const Genesis of_three = make_genesis("three", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}});

Raft first_life() { return Raft::bootstrap({.id = NodeId(1), .seed = 1}, of_three, Instant{}).value(); }

TEST(Bootstrap, BeginsWithTheGenesisInTermOne) {
  Raft raft = first_life();
  EXPECT_EQ(*raft.genesis(), of_three);
  EXPECT_EQ(raft.term(), Term(1));
  EXPECT_EQ(raft.log().stable(), Index(0));
  ASSERT_TRUE(raft.has_output());
  Output output;
  raft.take_output(output);
  ASSERT_NE(output.members, nullptr);
  EXPECT_EQ(output.members->members.size(), 3u);
  ASSERT_TRUE(output.write.has_value());
  EXPECT_EQ(output.write->batch.hard_state, (HardState{Term(1), nobody}));
  ASSERT_EQ(output.write->batch.entries.size(), 1u);
  EXPECT_EQ(output.write->batch.entries[0].kind, EntryKind::genesis);
  raft.written(output.write->id);
  EXPECT_EQ(raft.log().stable(), Index(1));
}

// A crash before the genesis is durable leaves a voter that has promised nothing, and may begin again.
TEST(Bootstrap, NoPromiseLeavesBeforeTheGenesisIsDurable) {
  Raft raft = first_life();
  Output output;
  raft.take_output(output);
  const WriteId genesis = output.write->id;
  raft.receive({.group = {},
                .from = NodeId(2),
                .to = NodeId(1),
                .term = Term(2),
                .body = VoteRequest{.last = {Term(1), Index(1)}}});
  raft.take_output(output);
  EXPECT_TRUE(output.send.empty());
  ASSERT_EQ(output.send_after_write.size(), 1u);
  EXPECT_GT(output.send_after_write[0].after, genesis);
}

TEST(Bootstrap, RefusesAGenesisThatIsNone) {
  EXPECT_EQ(Raft::bootstrap({.id = NodeId(1)}, Genesis{}, Instant{}).error().code, ErrorCode::invalid);
}

// A log that begins without its owner in it could never elect anybody, and its owner would be a stranger to the others.
TEST(Bootstrap, RefusesANodeThatIsNotInTheGenesis) {
  const auto refused = Raft::bootstrap({.id = NodeId(9), .seed = 1}, of_three, Instant{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  EXPECT_NE(refused.error().message.find("node 9 is not among the first members"), std::string::npos);
}

}  // namespace
}  // namespace keel::test
