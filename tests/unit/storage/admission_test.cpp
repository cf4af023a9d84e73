#include "keel/storage/admission.hpp"

#include <gtest/gtest.h>

#include "keel/sim/sim_disk.hpp"
#include "test_executor.hpp"

namespace keel {
namespace {

class Admission : public testing::Test {
 protected:
  // The first thing a new node writes is its genesis.
  void write_genesis() {
    Output output;
    raft_.take_output(output);
    raft_.written(output.write->id);
  }

  test::TestExecutor executor_;
  sim::SimMedia media_{5};
  sim::SimDisk disk_{executor_, media_};
  PeerBook book_ = PeerBook::open(disk_).value();
  Raft raft_ = Raft::bootstrap({.id = NodeId(1), .seed = 1},
                               make_genesis("two", {{.id = NodeId(1)}, {.id = NodeId(2)}}), Instant{})
                   .value();
};

// A crash in between would leave a directory that remembers peers and has no log: never let in again.
TEST_F(Admission, NobodyIsRememberedBeforeTheGenesisIsDurable) {
  const auto early = admit(raft_, book_, NodeId(2), Incarnation(7));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::not_found);
  EXPECT_TRUE(PeerBook::open(disk_)->peers().empty());
  write_genesis();
  EXPECT_TRUE(admit(raft_, book_, NodeId(2), Incarnation(7)));
  EXPECT_EQ(PeerBook::open(disk_)->peers().size(), 1u);
}

TEST_F(Admission, StrangersAreNotRemembered) {
  write_genesis();
  const auto stranger = admit(raft_, book_, NodeId(3), Incarnation(7));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::wrong_node);
  EXPECT_TRUE(PeerBook::open(disk_)->peers().empty());
}

// scenario: D-07
TEST_F(Admission, AMemberWithAnotherDirectoryIsRefusedUntilItIsForgotten) {
  write_genesis();
  ASSERT_TRUE(admit(raft_, book_, NodeId(2), Incarnation(7)));
  EXPECT_EQ(admit(raft_, book_, NodeId(2), Incarnation(8)).error().code, ErrorCode::wrong_incarnation);
  ASSERT_TRUE(book_.forget(NodeId(2)));
  EXPECT_TRUE(admit(raft_, book_, NodeId(2), Incarnation(8)));
}

}  // namespace
}  // namespace keel
