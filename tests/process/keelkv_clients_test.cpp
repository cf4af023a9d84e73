// Stock clients with their defaults, against a leader and against a follower, which forwards or sends them on.
#include <hiredis/hiredis.h>
#include <unistd.h>

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class KeelkvClients : public testing::TestWithParam<std::string> {
 protected:
  explicit KeelkvClients(std::vector<std::string> flags = {}) : cluster_(3, std::move(flags)) {}
  void SetUp() override {
    ASSERT_TRUE(cluster_.start_all());
    const auto leader = cluster_.await_leader();
    ASSERT_TRUE(leader);
    leader_ = *leader;
    follower_ = (*leader + 1) % 3;
    ASSERT_TRUE(cluster_.await_same_state());  // so that all have heard of the leader
  }
  std::string port(std::size_t node) { return std::to_string(cluster_.port(node)); }
  // Runs one of the scripts beside this test; each says "ok" when all was as it should be.
  void expect_ok(const std::string& script, std::size_t node, const std::vector<std::string>& more = {}) {
    SCOPED_TRACE(script + (node == leader_ ? " on the leader" : " on a follower"));
    const std::string path = KEEL_SOURCE_DIR "/tests/process/clients/" + script;
    std::vector<std::string> command = {"/usr/bin/python3", path};
    if (script.ends_with(".cjs")) {
      command = {"env", std::string("NODE_PATH=") + KEEL_NODE_MODULES, KEEL_NODE, path};
    }
    command.push_back(port(node));
    command.insert(command.end(), more.begin(), more.end());
    const Ended ended = run(std::move(command));
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    EXPECT_EQ(ended.out, "ok\n") << ended.err;
    EXPECT_EQ(ended.err, "");
  }

  KeelkvCluster cluster_;
  std::size_t leader_ = 0;
  std::size_t follower_ = 0;
};

class KeelkvForwarding : public KeelkvClients {};

TEST_P(KeelkvForwarding, OnLeaderAndFollower) {
  expect_ok(GetParam(), leader_);
  expect_ok(GetParam(), follower_);
}

INSTANTIATE_TEST_SUITE_P(Clients, KeelkvForwarding,
                         testing::Values("node_redis.cjs", "ioredis.cjs", "redis_py.py", "cli_in_terminal.py",
                                         "beside_redis.py"),
                         [](const auto& script) { return script.param.substr(0, script.param.find('.')); });

class KeelkvRedirecting : public KeelkvClients {
 protected:
  KeelkvRedirecting() : KeelkvClients({"--on-follower", "moved"}) {}
};

TEST_P(KeelkvRedirecting, AClusterClientFindsTheLeader) {
  expect_ok(GetParam(), follower_, {"cluster"});
  expect_ok(GetParam(), leader_, {"cluster"});
}

INSTANTIATE_TEST_SUITE_P(Clients, KeelkvRedirecting, testing::Values("node_redis.cjs", "ioredis.cjs", "redis_py.py"),
                         [](const auto& script) { return script.param.substr(0, script.param.find('.')); });

TEST_F(KeelkvRedirecting, CliFollowsWhenItIsTold) {
  const Ended stays = run({"redis-cli", "-p", port(follower_), "SET", "foo", "bar"});
  EXPECT_EQ(stays.out, "MOVED 12182 127.0.0.1:" + port(leader_) + "\n\n");
  EXPECT_EQ(run({"redis-cli", "-c", "-p", port(follower_), "SET", "foo", "bar"}).out, "OK\n");
  EXPECT_EQ(run({"redis-cli", "-c", "-3", "-p", port(follower_), "GET", "foo"}).out, "bar\n");
  EXPECT_THAT(run({"redis-cli", "-p", port(follower_), "CLUSTER", "NODES"}).out,
              HasSubstr("127.0.0.1:" + port(leader_) + "@"));
}

TEST_F(KeelkvRedirecting, ReadonlyReadsOnAFollower) {
  ASSERT_EQ(cluster_.client(leader_)->call({"SET", "foo", "bar"}).value_or(RedisReply{}).text, "OK");
  const auto client = cluster_.client(follower_);
  EXPECT_EQ(client->call({"GET", "foo"}).value_or(RedisReply{}).word(), "MOVED");
  EXPECT_EQ(client->call({"READONLY"}).value_or(RedisReply{}).text, "OK");
  EXPECT_EQ(client->call({"GET", "foo"}).value_or(RedisReply{}).text, "bar");
  EXPECT_EQ(client->call({"SET", "foo", "x"}).value_or(RedisReply{}).word(), "MOVED");
}

TEST_F(KeelkvRedirecting, AKilledFollowerIsDeadToTheOthersUntilItIsBack) {
  const auto await = [&](std::size_t node, const testing::Matcher<std::string>& wanted) {
    const auto client = cluster_.client(node);
    const auto deadline = in(patience);
    std::string nodes;
    do {
      nodes = client->call({"CLUSTER", "NODES"}).value_or(RedisReply{}).text;
    } while (!testing::Value(nodes, wanted) && std::chrono::steady_clock::now() < deadline);
    EXPECT_THAT(nodes, wanted) << node;
  };
  const std::vector<std::size_t> others = {leader_, (leader_ + 2) % 3};
  cluster_.kill(follower_);
  for (const std::size_t node : others)
    await(node, ContainsRegex("127.0.0.1:" + port(follower_) + "@[0-9]+ slave,fail "));
  ASSERT_TRUE(cluster_.start(follower_));
  for (const std::size_t node : others)
    await(node, Not(HasSubstr("fail")));
}

TEST_F(KeelkvForwarding, CliPipesInBulk) {
  for (const std::size_t node : {leader_, follower_}) {
    const Ended ended =
        run({"sh", "-c",
             "for i in $(seq 1000); do printf 'SET b:%s v\\r\\n' $i; done | redis-cli -p " + port(node) + " --pipe"});
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("errors: 0, replies: 1000"));
  }
}

TEST_F(KeelkvForwarding, BenchmarkRunsAllItsTests) {
  for (const std::size_t node : {leader_, follower_}) {
    const Ended ended = run({"redis-benchmark", "-p", port(node), "-n", "2000", "-P", "8", "-q", "--csv"});
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    EXPECT_EQ(ended.err, "");
    EXPECT_THAT(ended.out, HasSubstr("MSET (10 keys)"));
    EXPECT_THAT(ended.out, Not(HasSubstr("WARNING")));
    EXPECT_THAT(ended.out, Not(HasSubstr("rror")));
  }
}

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

TEST_F(KeelkvForwarding, Hiredis) {
  for (const std::size_t node : {leader_, follower_}) {
    const std::unique_ptr<redisContext, FreeContext> context(redisConnect("127.0.0.1", cluster_.port(node)));
    ASSERT_TRUE(context && context->err == 0);
    const auto call = [&](const char* format, auto... arguments) {
      auto* const reply = static_cast<redisReply*>(redisCommand(context.get(), format, arguments...));
      return std::unique_ptr<redisReply, FreeReply>(reply);
    };
    EXPECT_STREQ(call("SET %s %b", "h:k", "a\0b", std::size_t{3})->str, "OK");
    const auto value = call("GET h:k");
    EXPECT_EQ(std::string_view(value->str, value->len), std::string_view("a\0b", 3));
    EXPECT_EQ(call("DEL h:n")->type, REDIS_REPLY_INTEGER);
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(redisAppendCommand(context.get(), "INCR h:n"), REDIS_OK);
    for (int i = 1; i <= 100; ++i) {
      void* reply = nullptr;
      ASSERT_EQ(redisGetReply(context.get(), &reply), REDIS_OK);
      const std::unique_ptr<redisReply, FreeReply> count(static_cast<redisReply*>(reply));
      EXPECT_EQ(count->integer, i);
    }
    EXPECT_EQ(call("GET h:none")->type, REDIS_REPLY_NIL);
    EXPECT_EQ(call("LPUSH h:n x")->type, REDIS_REPLY_ERROR);
    EXPECT_EQ(call("MGET h:k h:n")->elements, 2u);
  }
}

TEST(KeelkvPassword, IsAskedForByAllNodesAndShownByNone) {
  KeelkvCluster cluster(1, {"--requirepass", "s3cret", "--log-level", "trace"});
  ASSERT_TRUE(cluster.start(0));
  ASSERT_TRUE(cluster.await_leader());
  const std::string port = std::to_string(cluster.port(0));
  EXPECT_THAT(run({"redis-cli", "-p", port, "PING"}).out, HasSubstr("NOAUTH Authentication required."));
  const Ended signed_in = run({"redis-cli", "--no-auth-warning", "-a", "s3cret", "-3", "-p", port, "SET", "k", "v"});
  EXPECT_EQ(signed_in.out, "OK\n");
  EXPECT_THAT(run({"redis-cli", "--no-auth-warning", "-a", "wrong", "-p", port, "PING"}).err, HasSubstr("WRONGPASS"));
  cluster.process(0).kill(SIGTERM);
  EXPECT_THAT(all_said(cluster.process(0).err()), AllOf(HasSubstr("LeaderReady"), Not(HasSubstr("s3cret"))));
}

}  // namespace
}  // namespace keel::test
