// A disk that goes bad under a running keelkv, and a log that is full.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failing_writes.hpp"
#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> write_of(int number) {
  return {"SET", "k" + std::to_string(number), std::to_string(number) + std::string(20'000, 'v')};
}

// hazard: H50
TEST(KeelkvDisk, AWriteThatFailsEndsTheNodeWithStatus74AndLosesNothing) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0, fail_late_writes));
  ASSERT_TRUE(cluster.await_leader());
  const auto client = cluster.client(0);
  int acknowledged = 0;
  std::optional<RedisReply> reply;
  while ((reply = client->call(write_of(acknowledged))) && !reply->is_error())
    ++acknowledged;
  EXPECT_TRUE(!reply || reply->word() == "TIMEOUT") << reply->text;
  EXPECT_GT(acknowledged, 5);
  EXPECT_LT(acknowledged, 20);
  EXPECT_EQ(cluster.process(0).wait(in(patience)), std::optional(74));
  EXPECT_THAT(all_said(cluster.process(0).err()),
              AllOf(HasSubstr("keelkv: " + cluster.data(0)), HasSubstr(" log-0000000"), HasSubstr("Input/output error"),
                    HasSubstr("mend the disk")));

  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  const auto again = cluster.client(0);
  for (int i = 0; i < acknowledged; ++i) {
    const auto value = again->call({"GET", "k" + std::to_string(i)});
    ASSERT_TRUE(value);
    EXPECT_EQ(value->text, write_of(i)[2]);
  }
}

// hazard: H50 (a disk that cannot sync is found before anything is promised)
TEST(KeelkvDisk, ANodeWhoseDiskCannotSyncDoesNotStart) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  ChildProcess process(cluster.command(0), fail_syncs);
  EXPECT_EQ(process.wait(in(patience)), std::optional(74));
  const std::string said = all_said(process.err());
  EXPECT_THAT(said, AllOf(StartsWith("keelkv: " + cluster.data(0)), HasSubstr("Input/output error"),
                          HasSubstr("mend the disk, then start this node again")));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  ASSERT_TRUE(cluster.start(0));
}

// hazard: H50, H53 (when it leads, another takes over)
TEST(KeelkvDisk, TheOthersGoOnWhenOneDiskFails) {
  KeelkvCluster cluster(3, {"--election-timeout", "300ms", "--heartbeat", "30ms"});
  ASSERT_TRUE(cluster.start(0, fail_late_writes));
  ASSERT_TRUE(cluster.start(1));
  ASSERT_TRUE(cluster.start(2));
  ASSERT_TRUE(cluster.await_leader());
  const auto client = cluster.client(1);
  std::vector<int> acknowledged;
  bool ended = false;
  for (int i = 0; acknowledged.size() < 60; ++i) {
    const auto reply = client->call(write_of(i));
    if (reply && !reply->is_error()) acknowledged.push_back(i);
    ended = ended || cluster.process(0).wait(in(std::chrono::milliseconds(0))) == std::optional(74);
  }
  EXPECT_TRUE(ended || cluster.process(0).wait(in(patience)) == std::optional(74));
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_same_state());
  const auto healed = cluster.client(0);
  for (const int i : acknowledged) {
    const auto value = healed->call({"GET", "k" + std::to_string(i)});
    ASSERT_TRUE(value);
    EXPECT_EQ(value->text, write_of(i)[2]);
  }
}

// Until there are snapshots the log only grows: at its bound writes are refused by name, reads go on.
TEST(KeelkvDisk, AFullLogRefusesWritesAndServesReads) {
  KeelkvCluster cluster(1, {"--segment-size", "64kb", "--max-log-bytes", "1mb"});
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  const auto client = cluster.client(0);
  int acknowledged = 0;
  std::optional<RedisReply> reply;
  while ((reply = client->call(write_of(acknowledged))) && !reply->is_error() && acknowledged < 1000)
    ++acknowledged;
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->text, StartsWith("BUSY "));
  EXPECT_GT(acknowledged, 20);
  EXPECT_LT(acknowledged, 60);
  const auto read = client->call({"GET", "k0"});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text, write_of(0)[2]);
  EXPECT_EQ(cluster.stop(0), std::optional(0));
  ASSERT_TRUE(cluster.start(0));  // and it still starts
  ASSERT_TRUE(cluster.await_leader());
  EXPECT_EQ(cluster.client(0)->call({"DBSIZE"}).value_or(RedisReply{}).integer, acknowledged);
}

}  // namespace
}  // namespace keel::test
