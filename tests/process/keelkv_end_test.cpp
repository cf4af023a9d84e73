// How keelkv ends when it is told to, and when it finds itself broken.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/storage/data_directory.hpp"
#include "keel/storage/posix_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"
#include "keel/wire/frame.hpp"
#include "keelkv_cluster.hpp"
#include "test_executor.hpp"

namespace keel::test {
namespace {

using testing::HasSubstr;

// The two that stay wait a minute or longer before they campaign by themselves.
TEST(KeelkvEnd, ALeaderHandsOverBeforeItLeaves) {
  const std::vector<std::string> quick = {"--election-timeout", "2s"};  // for so long it waits for its successor
  const std::vector<std::string> patient = {"--election-timeout", "60s"};
  KeelkvCluster cluster(3);
  for (std::size_t node = 0; node < cluster.size(); ++node)
    ASSERT_TRUE(cluster.start(node, [] {}, quick));
  const auto leader = cluster.await_leader();
  ASSERT_TRUE(leader);
  for (std::size_t node = 0; node < cluster.size(); ++node) {
    if (node == *leader) continue;
    ASSERT_EQ(cluster.stop(node), std::optional(0));
    ASSERT_TRUE(cluster.start(node, [] {}, patient));
  }
  ASSERT_TRUE(cluster.await_same_state());
  const std::uint64_t term = cluster.led_term(*leader);
  EXPECT_EQ(cluster.stop(*leader), std::optional(0));
  EXPECT_TRUE(cluster.await_leader(term, std::chrono::seconds(30)));
}

// Adds a command to the log of a node that does not run, as a later build might have written it.
void append_command(const KeelkvCluster& cluster, std::byte first_byte) {
  TestExecutor executor;
  auto disk = PosixDisk::open(cluster.data(0), executor).value();
  const std::string address = cluster.command(0)[4].substr(2);
  const ClusterId id = make_genesis("keelkv", {{.id = NodeId(1), .address = address}}).cluster_id();
  const auto identity = open_data_directory(
      *disk, {.cluster = id, .cluster_name = "keelkv", .group = {}, .node = NodeId(1), .incarnation = Incarnation(1)});
  ASSERT_TRUE(identity) << identity.error().message;
  WriteAheadLog log(*disk, executor, {.salt_seed = 1}, {identity->cluster, identity->group, identity->node});
  const auto found = log.open();
  ASSERT_TRUE(found) << found.error().message;
  Entry entry{.index = found->last.next(),
              .term = found->hard_state.term,
              .kind = EntryKind::command,
              .payload = Payload::copy_of(std::array{first_byte})};
  wire::frame(entry, identity->cluster, identity->group);
  WriteBatch batch;
  batch.entries.push_back(std::move(entry));
  bool written = false;
  log.write(batch, [&](const Result<void>& result) { written = result.has_value(); });
  ASSERT_TRUE(executor.run_until([&] { return written; }));
  log.close();
}

TEST(KeelkvEnd, AnEntryOfAnUnknownKindEndsItWithStatus70) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  append_command(cluster, std::byte{9});
  for (int again = 0; again < 2; ++again) {  // its data is left as it is
    const Ended ended = run(cluster.command(0));
    EXPECT_EQ(ended.status, std::optional(70));
    EXPECT_THAT(ended.err, HasSubstr("keelkv: " + cluster.data(0)));
  }
}

}  // namespace
}  // namespace keel::test
