#include "keel/storage/data_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/sim/sim_disk.hpp"
#include "test_executor.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

namespace keel {
namespace {

using testing::HasSubstr;

class DataDirectoryTest : public testing::Test {
 protected:
  Result<DirectoryIdentity> open(const DirectoryIdentity& expected) {
    disk_ = std::make_unique<sim::SimDisk>(executor_, media_);
    return open_data_directory(*disk_, expected);
  }
  static DirectoryIdentity identity() { return {ClusterId(77), "orders", GroupId(0), NodeId(3), Incarnation(1234)}; }

  test::TestExecutor executor_;
  sim::SimMedia media_{5};
  std::unique_ptr<sim::SimDisk> disk_;
};

TEST_F(DataDirectoryTest, KeepsTheIncarnationItWasMadeWith) {
  EXPECT_EQ(open(identity()).value(), identity());
  DirectoryIdentity again = identity();
  again.incarnation = Incarnation(99);
  EXPECT_EQ(open(again).value().incarnation, Incarnation(1234));
}

// scenario: D-06
TEST_F(DataDirectoryTest, RefusesAnothersDirectoryInWords) {
  ASSERT_TRUE(open(identity()));

  DirectoryIdentity other = identity();
  other.cluster = ClusterId(78);
  other.cluster_name = "billing";
  auto refused = open(other);
  EXPECT_EQ(refused.error().code, ErrorCode::wrong_cluster);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to cluster \"orders\""));
  EXPECT_THAT(refused.error().message, HasSubstr("\"billing\""));

  other = identity();
  other.cluster = ClusterId(78);
  EXPECT_THAT(open(other).error().message, HasSubstr("the same name and other first voters"));

  other = identity();
  other.node = NodeId(4);
  refused = open(other);
  EXPECT_EQ(refused.error().code, ErrorCode::wrong_node);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to node 3, not to node 4"));

  other = identity();
  other.group = GroupId(9);
  EXPECT_EQ(open(other).error().code, ErrorCode::wrong_node);
}

// scenario: D-06
TEST_F(DataDirectoryTest, IsOneProcessesAtATime) {
  ASSERT_TRUE(open(identity()));
  sim::SimDisk second(executor_, media_);
  EXPECT_EQ(open_data_directory(second, identity()).error().code, ErrorCode::locked);
}

TEST_F(DataDirectoryTest, NeverTakesADirectoryThatHoldsSomethingElse) {
  const std::vector<std::byte> something(100);
  media_.put("family-photo.jpg", something);
  const auto refused = open(identity());
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("family-photo.jpg"));
  EXPECT_EQ(media_.files().size(), 1u);
}

// scenario: D-03 — every bit of the file.
TEST_F(DataDirectoryTest, NamesADamagedIdentity) {
  ASSERT_TRUE(open(identity()));
  for (std::uint64_t at = 0; at < media_.size("identity"); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      media_.flip("identity", at, bit);
      const auto refused = open(identity());
      ASSERT_FALSE(refused) << "byte " << at;
      EXPECT_EQ(refused.error().code, ErrorCode::corrupt) << "byte " << at;
      media_.flip("identity", at, bit);
    }
  }
  EXPECT_TRUE(open(identity()));
}

// scenario: D-06 — a checksum that fits: really another format, not damage.
TEST_F(DataDirectoryTest, TellsAnotherFormatFromDamage) {
  ASSERT_TRUE(open(identity()));
  auto bytes = media_.contents("identity");
  bytes[8] = std::byte{2};
  const std::size_t checked = bytes.size() - 8;
  wire::store(bytes.data() + checked,
              wire::checksum_of(ByteView(bytes).first(checked), wire::load<std::uint64_t>(bytes.data())));
  media_.put("identity", bytes);
  const auto refused = open(identity());
  EXPECT_EQ(refused.error().code, ErrorCode::wrong_version);
  EXPECT_THAT(refused.error().message, HasSubstr("format 2, this build reads format 1"));
}

TEST_F(DataDirectoryTest, ACrashWhileItIsMadeLeavesNothingOrAll) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::SimMedia media(seed);
    media.crash_at(1);
    sim::SimDisk first(executor_, media);
    EXPECT_FALSE(open_data_directory(first, identity()));
    media.crash_at(0);
    sim::SimDisk second(executor_, media);
    EXPECT_EQ(open_data_directory(second, identity()).value(), identity());
  }
}

TEST_F(DataDirectoryTest, PeersAreRememberedOverRestarts) {
  ASSERT_TRUE(open(identity()));
  {
    PeerBook book = PeerBook::open(*disk_).value();
    EXPECT_TRUE(book.admit(NodeId(1), Incarnation(10)));
    EXPECT_TRUE(book.admit(NodeId(2), Incarnation(20)));
    EXPECT_TRUE(book.admit(NodeId(1), Incarnation(10)));
  }
  disk_->crash();
  ASSERT_TRUE(open(identity()));
  PeerBook book = PeerBook::open(*disk_).value();
  EXPECT_EQ(book.peers(), (std::map<NodeId, Incarnation>{{NodeId(1), Incarnation(10)}, {NodeId(2), Incarnation(20)}}));

  const auto refused = book.admit(NodeId(2), Incarnation(21));
  EXPECT_EQ(refused.error().code, ErrorCode::wrong_incarnation);
  EXPECT_THAT(refused.error().message, HasSubstr("node 2 comes with another data directory"));
  EXPECT_THAT(refused.error().message, HasSubstr("docs/operating.md"));

  EXPECT_TRUE(book.forget(NodeId(2)));
  EXPECT_TRUE(book.admit(NodeId(2), Incarnation(21)));
  EXPECT_EQ(book.forget(NodeId(7)).error().code, ErrorCode::not_found);
}

TEST_F(DataDirectoryTest, APeerThatCannotBeRememberedIsNotAdmitted) {
  ASSERT_TRUE(open(identity()));
  PeerBook book = PeerBook::open(*disk_).value();
  media_.fail(sim::DiskOp::replace);
  EXPECT_EQ(book.admit(NodeId(1), Incarnation(10)).error().code, ErrorCode::io);
  EXPECT_TRUE(book.peers().empty());
}

TEST_F(DataDirectoryTest, NamesDamagedPeers) {
  ASSERT_TRUE(open(identity()));
  ASSERT_TRUE(PeerBook::open(*disk_).value().admit(NodeId(1), Incarnation(10)));
  for (std::uint64_t at = 0; at < media_.size("peers"); ++at) {
    media_.flip("peers", at, 2);
    EXPECT_EQ(PeerBook::open(*disk_).error().code, ErrorCode::corrupt) << "byte " << at;
    media_.flip("peers", at, 2);
  }
}

TEST_F(DataDirectoryTest, TheBookIsBounded) {
  ASSERT_TRUE(open(identity()));
  PeerBook book = PeerBook::open(*disk_).value();
  for (std::uint64_t id = 1; id <= PeerBook::max_peers; ++id) {
    ASSERT_TRUE(book.admit(NodeId(id), Incarnation(id)));
  }
  EXPECT_EQ(book.admit(NodeId(5000), Incarnation(1)).error().code, ErrorCode::overloaded);
  EXPECT_EQ(PeerBook::open(*disk_).value().peers().size(), PeerBook::max_peers);
}

}  // namespace
}  // namespace keel
