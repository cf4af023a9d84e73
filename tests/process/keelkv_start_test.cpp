// How keelkv starts, how it refuses to, and how it ends.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Starts a program that must end by itself; expects nothing on standard output and one line, which is returned, on
// standard error.
std::string refusal(std::vector<std::string> command, int status = 1) {
  ChildProcess process(std::move(command));
  const auto ended = process.wait(in(patience));
  EXPECT_EQ(ended, std::optional(status));
  const auto whole = [](std::string_view) { return false; };
  process.err().wait_for(whole, in(patience));  // to its end
  process.out().wait_for(whole, in(patience));
  EXPECT_EQ(process.out().text(), "");
  const std::string said = process.err().text();
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_THAT(said, StartsWith("keelkv: "));
  return said;
}

// `command` with the value behind `flag` exchanged.
std::vector<std::string> with(std::vector<std::string> command, const std::string& flag, const std::string& value) {
  const auto at = std::ranges::find(command, flag);
  if (at == command.end()) {
    command.insert(command.end(), {flag, value});
  } else {
    *(at + 1) = value;
  }
  return command;
}

TEST(KeelkvStart, SaysOneLineWhenReadyAndEndsWithStatusZero) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  const std::string line = cluster.process(0).out().text();
  EXPECT_EQ(line, "keelkv 1 ready: clients 127.0.0.1:" + std::to_string(cluster.port(0)) + ", peers " +
                      cluster.command(0)[4].substr(2) + ", data " + cluster.data(0) + "\n");
  EXPECT_EQ(cluster.stop(0), std::optional(0));
}

TEST(KeelkvStart, AFreePortIsTakenAndPrinted) {
  const KeelkvCluster cluster(1);
  ChildProcess process(with(cluster.command(0), "--listen", "127.0.0.1:0"));
  ASSERT_TRUE(process.out().wait_for([](std::string_view said) { return said.ends_with("\n"); }, in(patience)));
  const std::string line = process.out().text();
  const std::string mark = "clients 127.0.0.1:";
  const std::size_t at = line.find(mark);
  ASSERT_NE(at, std::string::npos);
  RedisClient client(static_cast<std::uint16_t>(std::stoi(line.substr(at + mark.size()))));
  const auto reply = client.call({"PING"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "PONG");
}

TEST(KeelkvStart, DataSurvivesStopAndStart) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_EQ(cluster.client(0)->call({"SET", "k", "v"}).value_or(RedisReply{}).text, "OK");
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  EXPECT_EQ(cluster.client(0)->call({"GET", "k"}).value_or(RedisReply{}).text, "v");
}

TEST(KeelkvStart, RefusesAPortThatIsTaken) {
  KeelkvCluster cluster(1);
  KeelkvCluster other(1);
  ASSERT_TRUE(cluster.start(0));
  const std::string taken = "127.0.0.1:" + std::to_string(cluster.port(0));
  EXPECT_THAT(refusal(with(other.command(0), "--listen", taken)), HasSubstr("clients on " + taken));
  const std::string peer = cluster.command(0)[4];
  EXPECT_THAT(refusal(with(other.command(0), "--cluster", peer)), HasSubstr(peer.substr(2)));
}

TEST(KeelkvStart, RefusesADirectoryThatIsInUse) {
  KeelkvCluster cluster(1);
  const KeelkvCluster other(1);
  ASSERT_TRUE(cluster.start(0));
  EXPECT_THAT(refusal(with(other.command(0), "--data", cluster.data(0))), HasSubstr(cluster.data(0)));
}

TEST(KeelkvStart, RefusesADirectoryOfAnotherNodeOrCluster) {
  KeelkvCluster cluster(1);
  ASSERT_TRUE(cluster.start(0));
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  const auto command = cluster.command(0);
  EXPECT_THAT(refusal(with(command, "--name", "other")), HasSubstr(cluster.data(0)));
  const std::string members = command[4] + ",2=127.0.0.1:1";
  EXPECT_THAT(refusal(with(command, "--cluster", members)), HasSubstr(cluster.data(0)));
  ASSERT_TRUE(cluster.start(0));  // and is unharmed
}

TEST(KeelkvStart, RefusesADirectoryOfAnotherNode) {
  KeelkvCluster cluster(2);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  EXPECT_THAT(refusal(with(cluster.command(1), "--data", cluster.data(0))),
              AllOf(HasSubstr(cluster.data(0)), HasSubstr("belongs to node 1, not to node 2")));
}

// hazard: H30 (a node that lost its disk must not come back as itself)
TEST(KeelkvStart, ANodeThatLostItsDiskIsToldSoByItsPeersAndEnds) {
  KeelkvCluster cluster(3);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_TRUE(cluster.await_same_state());  // so that all have heard of each other
  ASSERT_EQ(cluster.stop(2), std::optional(0));
  std::filesystem::remove_all(cluster.data(2));
  ASSERT_TRUE(cluster.start(2));
  EXPECT_EQ(cluster.process(2).wait(in(patience)), std::optional(1));
  EXPECT_THAT(cluster.process(2).err().text(),
              HasSubstr("refuses this node: node 3 comes with another data directory"));
}

// The directory is there, and says that it has been in use, but the log is not.
TEST(KeelkvStart, RefusesADirectoryWhoseLogIsGone) {
  KeelkvCluster cluster(2);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  for (const auto& file : std::filesystem::directory_iterator(cluster.data(0))) {
    const std::string name = file.path().filename().string();
    if (name != "identity" && name != "peers") std::filesystem::remove(file.path());
  }
  EXPECT_THAT(refusal(cluster.command(0)), AllOf(HasSubstr(cluster.data(0)), HasSubstr("the log is gone")));
}

TEST(KeelkvStart, RefusesADirectoryThatCannotBeMade) {
  const KeelkvCluster cluster(1);
  EXPECT_THAT(refusal(with(cluster.command(0), "--data", "/proc/keelkv/data")), HasSubstr("/proc/keelkv"));
}

TEST(KeelkvStart, RefusesBadFlags) {
  const KeelkvCluster cluster(1);
  EXPECT_THAT(refusal({KEEL_APP_KEELKV}, 2), HasSubstr("required"));
  EXPECT_THAT(refusal(with(cluster.command(0), "--colour", "red"), 2), HasSubstr("--colour"));
  EXPECT_THAT(refusal(with(cluster.command(0), "--election-timeout", "1ms"), 2), HasSubstr("--election-timeout '1ms'"));
}

TEST(KeelkvStart, HelpListsEveryFlag) {
  ChildProcess process({KEEL_APP_KEELKV, "--help"});
  EXPECT_EQ(process.wait(in(patience)), std::optional(0));
  EXPECT_TRUE(process.out().wait_for([](std::string_view said) { return said.find("--log-level") != said.npos; },
                                     in(patience)));
}

}  // namespace
}  // namespace keel::test
