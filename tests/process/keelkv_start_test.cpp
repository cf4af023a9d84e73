// How keelkv starts, how it refuses to, and how it ends.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

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
std::string refusal(std::vector<std::string> command, int status = 1, void (*before_exec)() = [] {}) {
  ChildProcess process(std::move(command), before_exec);
  const auto ended = process.wait(in(patience));
  EXPECT_EQ(ended, std::optional(status));
  EXPECT_EQ(all_said(process.out()), "");
  const std::string said = all_said(process.err());
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_THAT(said, StartsWith("keelkv: "));
  return said;
}

// Waits until a process that runs has said `words` on standard error.
testing::AssertionResult says(ChildProcess& process, std::string_view words) {
  const auto said = [&](std::string_view log) { return log.find(words) != log.npos; };
  if (process.err().wait_for(said, in(patience))) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no '" << words << "' in: " << process.err().text();
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

// hazard: H30 (a node that lost its disk must not come back as itself); scenario: D-07
TEST(KeelkvStart, ANodeThatLostItsDiskIsToldSoByItsPeersAndEnds) {
  KeelkvCluster cluster(3);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_TRUE(cluster.await_same_state());  // so that all have heard of each other
  ASSERT_EQ(cluster.stop(2), std::optional(0));
  std::filesystem::remove_all(cluster.data(2));
  ASSERT_TRUE(cluster.start(2));
  EXPECT_EQ(cluster.process(2).wait(in(patience)), std::optional(1));
  EXPECT_THAT(all_said(cluster.process(2).err()),
              HasSubstr("2 of 2 peers refuse this node: node 3 comes with another data directory"));
}

// What one peer remembers may be wrong: the node goes on as long as most do not say the same.
TEST(KeelkvStart, OnePeersRefusalDoesNotEndANode) {
  KeelkvCluster cluster(3);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_TRUE(cluster.await_same_state());
  ASSERT_EQ(cluster.stop(1), std::optional(0));
  ASSERT_EQ(cluster.stop(2), std::optional(0));
  std::filesystem::remove_all(cluster.data(2));
  ASSERT_TRUE(cluster.start(2));
  ASSERT_TRUE(says(cluster.process(2), "refuses this node"));
  const auto client = cluster.client(2);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(client->call({"PING"})) << i;
  ASSERT_TRUE(cluster.start(1));
  EXPECT_EQ(cluster.process(2).wait(in(patience)), std::optional(1));
}

// scenario: D-07 (an operator who knows that nothing is lost can let such a node in again)
TEST(KeelkvStart, PeersThatForgetANodeLetItInWithANewDirectory) {
  KeelkvCluster cluster(3);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_EQ(cluster.client(0)->call({"SET", "k", "v"}).value_or(RedisReply{}).text, "OK");
  ASSERT_TRUE(cluster.await_same_state());
  for (std::size_t node = 0; node < 3; ++node)
    ASSERT_EQ(cluster.stop(node), std::optional(0));
  std::filesystem::remove_all(cluster.data(2));
  ASSERT_TRUE(cluster.start(0, [] {}, {"--forget", "3"}));
  ASSERT_TRUE(cluster.start(1, [] {}, {"--forget", "3"}));
  EXPECT_TRUE(says(cluster.process(0), "node 3 is forgotten"));
  ASSERT_TRUE(cluster.start(2));
  ASSERT_TRUE(cluster.await_same_state());
  const auto value = cluster.client(2)->call({"KEEL", "GET", "k"});
  ASSERT_TRUE(value && value->items.size() == 2);
  EXPECT_EQ(value->items[1].text, "v");
}

// The directory is there, and says that it has been in use, but the log is not. scenario: D-07
TEST(KeelkvStart, RefusesADirectoryWhoseLogIsGone) {
  KeelkvCluster cluster(2);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  ASSERT_EQ(cluster.stop(0), std::optional(0));
  for (const auto& file : std::filesystem::directory_iterator(cluster.data(0))) {
    const std::string name = file.path().filename().string();
    if (name != "identity" && name != "peers") std::filesystem::remove(file.path());
  }
  EXPECT_THAT(refusal(cluster.command(0), 74), AllOf(HasSubstr(cluster.data(0)), HasSubstr("the log is gone")));
}

TEST(KeelkvStart, RefusesADirectoryThatCannotBeMade) {
  const KeelkvCluster cluster(1);
  EXPECT_THAT(refusal(with(cluster.command(0), "--data", "/proc/keelkv/data")), HasSubstr("/proc/keelkv"));
}

void allow_few_files() {
  const rlimit few{.rlim_cur = 500, .rlim_max = 500};
  ::setrlimit(RLIMIT_NOFILE, &few);
}

// Clients that only hold connections must not take the descriptor that the log needs for its next segment.
TEST(KeelkvStart, IdleClientsLeaveTheLogItsFiles) {
  KeelkvCluster cluster(1, {"--segment-size", "64kb", "--max-log-bytes", "8mb"});
  ASSERT_TRUE(cluster.start(0, allow_few_files));
  EXPECT_TRUE(says(cluster.process(0), "max-clients is 20 instead of 10000"));
  ASSERT_TRUE(cluster.await_leader());
  const auto writer = cluster.client(0);
  ASSERT_TRUE(writer->connect());
  std::vector<std::unique_ptr<RedisClient>> idle;
  for (int i = 0; i < 600; ++i) {
    idle.push_back(cluster.client(0));
    ASSERT_TRUE(idle.back()->connect());
  }
  for (int i = 0; i < 100; ++i) {  // thirty segments
    const auto reply = writer->call({"SET", "k", std::string(20'000, 'v')});
    ASSERT_TRUE(reply && reply->text == "OK") << i;
  }
  EXPECT_EQ(cluster.stop(0), std::optional(0));
}

TEST(KeelkvStart, RefusesToStartWithFewerFilesThanALogMayTake) {
  const KeelkvCluster cluster(1, {"--segment-size", "4kb", "--max-log-bytes", "1gb"});
  EXPECT_THAT(refusal(cluster.command(0), 1, allow_few_files), HasSubstr("the limit of 500 open files is too low"));
}

TEST(KeelkvStart, StartsFromAFileOfSettings) {
  const KeelkvCluster cluster(1);
  const auto command = cluster.command(0);
  const std::string path = cluster.data(0) + ".toml";
  const auto write = [&](const std::string& more) {
    std::ofstream(path) << "id = 1\ncluster = \"" << command[4] << "\"\nlisten = \"" << command[6] << "\"\ndata = \""
                        << cluster.data(0) << "\"\nsegment-size = \"4kb\"\nmax-log-bytes = \"1mb\"\n"
                        << more;
  };
  write("max-clients = \"many\"\n");
  EXPECT_THAT(refusal({KEEL_APP_KEELKV, "--config", path}, 2),
              HasSubstr(path + ":7: max-clients 'many': a whole number from 1 to 1000000"));
  EXPECT_FALSE(std::filesystem::exists(cluster.data(0)));
  write("max-clients = 17\n");
  ChildProcess process({KEEL_APP_KEELKV, "--config", path});
  ASSERT_TRUE(process.out().wait_for([](std::string_view said) { return said.ends_with("\n"); }, in(patience)));
  const auto reply = cluster.client(0)->call({"CONFIG", "GET", "max-clients"});
  ASSERT_TRUE(reply && reply->items.size() == 2);
  EXPECT_EQ(reply->items[1].text, "17");
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(in(patience)), std::optional(0));
}

TEST(KeelkvStart, RefusesBadFlags) {
  const KeelkvCluster cluster(1);
  EXPECT_THAT(refusal({KEEL_APP_KEELKV}, 2), HasSubstr("required"));
  EXPECT_THAT(refusal(with(cluster.command(0), "--colour", "red"), 2), HasSubstr("--colour"));
  EXPECT_THAT(refusal(with(cluster.command(0), "--election-timeout", "1ms"), 2), HasSubstr("--election-timeout '1ms'"));
}

// The names behind `mark` in `text`, up to what cannot be in a name.
std::set<std::string> flags_in(const std::string& text, const std::string& mark) {
  std::set<std::string> names;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    names.insert(text.substr(begin, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", begin) - begin));
  }
  return names;
}

TEST(KeelkvStart, HelpListsTheFlagsThatAreDocumented) {
  const Ended ended = run({KEEL_APP_KEELKV, "--help"});
  EXPECT_EQ(ended.status, std::optional(0));
  std::ifstream file(KEEL_SOURCE_DIR "/docs/keelkv.md");
  auto documented = flags_in({std::istreambuf_iterator<char>(file), {}}, "\n| `--");
  documented.insert({"help", "version"});
  EXPECT_EQ(flags_in(ended.out, "--"), documented);
}

}  // namespace
}  // namespace keel::test
