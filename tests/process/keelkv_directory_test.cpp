// What a data directory brings along from one start to the next, and what it does not.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

// The log knows where the peers were; the flags say where they are.
TEST(KeelkvDirectory, NodesMoveToOtherAddresses) {
  KeelkvCluster before(3);
  KeelkvCluster after(3);
  ASSERT_TRUE(before.start_all());
  const auto leader = before.await_leader();
  ASSERT_TRUE(leader);
  ASSERT_EQ(before.client(*leader)->call({"SET", "k", "v"}).value_or(RedisReply{}).text, "OK");
  for (std::size_t node = 0; node < 3; ++node) {
    ASSERT_EQ(before.stop(node), std::optional(0));
    std::filesystem::rename(before.data(node), after.data(node));
  }

  ASSERT_TRUE(after.start_all());
  ASSERT_TRUE(after.await_leader());
  for (std::size_t node = 0; node < 3; ++node)
    EXPECT_EQ(after.client(node)->call({"GET", "k"}).value_or(RedisReply{}).text, "v");
}

void flip_a_byte_of(const std::filesystem::path& file, std::string_view text) {
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(bytes)), std::istreambuf_iterator<char>());
  const std::size_t at = whole.find(text);
  ASSERT_NE(at, std::string::npos);
  bytes.clear();
  bytes.seekp(static_cast<std::streamoff>(at));
  bytes.put(static_cast<char>(text.front() ^ 1));
}

// Status 74 is the one that no supervisor answers with another start. scenario: D-03
TEST(KeelkvDirectory, ADamagedLogEndsAsAFailedDisk) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  for (const char* value : {"first-value", "second-value", "third-value"})
    ASSERT_EQ(cluster.client(0)->call({"SET", "k", value}).value_or(RedisReply{}).text, "OK");
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  flip_a_byte_of(std::filesystem::path(cluster.data(0)) / "log-00000001", "first-value");

  const Ended ended = run(cluster.command(0));
  EXPECT_EQ(ended.status, std::optional(74));
  EXPECT_THAT(ended.err, testing::StartsWith("keelkv: " + cluster.data(0) + ": "));
}

TEST(KeelkvDirectory, AFileThatCannotBeReadEndsAsAFailedDisk) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  for (const char* name : {"peers", "identity"}) {
    const std::filesystem::path file = std::filesystem::path(cluster.data(0)) / name;
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);  // opening it for writing fails, for whoever runs this
    const Ended ended = run(cluster.command(0));
    EXPECT_EQ(ended.status, std::optional(74)) << name;
    EXPECT_THAT(ended.err, testing::StartsWith("keelkv: " + cluster.data(0) + ": open " + name)) << name;
    std::filesystem::remove(file);
  }
}

}  // namespace
}  // namespace keel::test
