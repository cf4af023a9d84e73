// Redis's own programs, against a leader and against a follower.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"

namespace keel::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class KeelkvRedis : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.start_all());
    const auto leader = cluster_.await_leader();
    ASSERT_TRUE(leader);
    leader_ = *leader;
    follower_ = (*leader + 1) % 3;
  }
  std::string cli(std::size_t node, std::vector<std::string> words) {
    words.insert(words.begin(), {"redis-cli", "-p", std::to_string(cluster_.port(node))});
    const Ended ended = run(std::move(words));
    EXPECT_EQ(ended.status, std::optional(0)) << ended.err;
    return ended.out;
  }

  KeelkvCluster cluster_{3};
  std::size_t leader_ = 0;
  std::size_t follower_ = 0;
};

TEST_F(KeelkvRedis, CliOnLeaderAndFollower) {
  EXPECT_EQ(cli(follower_, {"SET", "k", "from the follower"}), "OK\n");
  EXPECT_EQ(cli(leader_, {"GET", "k"}), "from the follower\n");
  EXPECT_EQ(cli(leader_, {"APPEND", "k", "!"}), "18\n");
  EXPECT_EQ(cli(follower_, {"GET", "k"}), "from the follower!\n");
  EXPECT_EQ(cli(follower_, {"-3", "MGET", "k", "nothing"}), "from the follower!\n\n");
  EXPECT_EQ(cli(leader_, {"-3", "INCR", "n"}), "1\n");
  EXPECT_EQ(cli(leader_, {"DEL", "n", "k"}), "2\n");
  EXPECT_EQ(cli(follower_, {"DBSIZE"}), "0\n");
  EXPECT_THAT(cli(follower_, {"INFO", "raft"}), HasSubstr("raft_role:follower"));
  EXPECT_THAT(cli(leader_, {"INFO", "raft"}), HasSubstr("raft_role:leader"));
  EXPECT_THAT(cli(leader_, {"COMMAND", "DOCS", "set"}), HasSubstr("Sets a key's value"));
}

TEST_F(KeelkvRedis, BenchmarkOnLeaderAndFollower) {
  for (const std::size_t node : {leader_, follower_}) {
    const Ended ended = run({"redis-benchmark", "-p", std::to_string(cluster_.port(node)), "-t", "set,get,incr", "-P",
                             "16", "-n", "20000", "-q", "--csv"});
    EXPECT_EQ(ended.status, std::optional(0));
    EXPECT_EQ(ended.err, "");
    for (const char* test : {"\"SET\"", "\"GET\"", "\"INCR\""})
      EXPECT_THAT(ended.out, HasSubstr(test));
    EXPECT_THAT(ended.out, Not(HasSubstr("WARNING")));
    EXPECT_THAT(ended.out, Not(HasSubstr("rror")));
  }
  EXPECT_EQ(cli(leader_, {"GET", "counter:__rand_int__"}), "40000\n");
  EXPECT_TRUE(cluster_.await_same_state());
}

// Each of its usual tests, of all types.
TEST_F(KeelkvRedis, BenchmarkOfAllTypes) {
  const Ended ended =
      run({"redis-benchmark", "-p", std::to_string(cluster_.port(leader_)), "-P", "16", "-n", "2000", "-q", "--csv"});
  EXPECT_EQ(ended.status, std::optional(0));
  EXPECT_EQ(ended.err, "");
  for (const char* test :
       {"\"LPUSH\"", "\"RPOP\"", "\"SADD\"", "\"HSET\"", "\"SPOP\"", "\"ZADD\"", "\"ZPOPMIN\"", "LRANGE_600", "MSET"})
    EXPECT_THAT(ended.out, HasSubstr(test));
  EXPECT_THAT(ended.out, Not(HasSubstr("rror")));
  EXPECT_TRUE(cluster_.await_same_state());
}

// What is set through one node is seen through the other, and dies for both.
TEST_F(KeelkvRedis, TypesExpiryAndTransactions) {
  EXPECT_EQ(cli(follower_, {"HSET", "h", "a", "1", "b", "2"}), "2\n");
  EXPECT_EQ(cli(leader_, {"HGETALL", "h"}), "a\n1\nb\n2\n");
  EXPECT_EQ(cli(follower_, {"ZADD", "z", "1.5", "m"}), "1\n");
  EXPECT_EQ(cli(leader_, {"-3", "ZRANGE", "z", "0", "-1", "WITHSCORES"}), "m\n1.5\n");
  EXPECT_EQ(cli(leader_, {"SET", "k", "v", "PX", "50"}), "OK\n");
  const SteadyTime late = in(patience);
  while (cli(follower_, {"GET", "k"}) != "\n")
    ASSERT_LT(std::chrono::steady_clock::now(), late);
  EXPECT_EQ(cli(leader_, {"EXISTS", "k"}), "0\n");
  EXPECT_EQ(cli(leader_, {"SET", "k", "v", "NX", "GET"}), "\n");
  const Ended ended = run({"sh", "-c",
                           "printf 'WATCH k\\nMULTI\\nGET k\\nINCR n\\nEXEC\\n' | redis-cli -p " +
                               std::to_string(cluster_.port(follower_))});
  EXPECT_EQ(ended.status, std::optional(0));
  EXPECT_EQ(ended.out, "OK\nOK\nQUEUED\nQUEUED\nv\n1\n");
  EXPECT_TRUE(cluster_.await_same_state());
}

}  // namespace
}  // namespace keel::test
