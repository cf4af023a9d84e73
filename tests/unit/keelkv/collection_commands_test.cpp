// Hashes, sets, lists and sorted sets, each command as a redis-server 7.2 answers it.
#include <set>

#include <gtest/gtest.h>

#include "machine_fixture.hpp"

namespace keel {
namespace {

constexpr std::string_view wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view not_an_integer = "-ERR value is not an integer or out of range";
constexpr std::string_view not_positive = "-ERR value is out of range, must be positive";

TEST(Hashes, Commands) {
  Machine machine;
  expect_all(machine, {{"hset h a 1 b 2", "2"},
                       {"hset h a 3 c 4", "1"},
                       {"hset h a", "-ERR wrong number of arguments for 'hset' command"},
                       {"hset h a 1 b", "-ERR wrong number of arguments for 'hset' command"},
                       {"hmset h d 5", "OK"},
                       {"hmset h d 5 e", "-ERR wrong number of arguments for 'hmset' command"},
                       {"hsetnx h d 6", "0"},
                       {"hsetnx h e 6", "1"},
                       {"hget h a", "\"3\""},
                       {"hget h none", "nil"},
                       {"hget none a", "nil"},
                       {"hmget h a none b", "[\"3\" nil \"2\"]"},
                       {"hmget none a", "[nil]"},
                       {"hlen h", "5"},
                       {"hexists h a", "1"},
                       {"hexists h none", "0"},
                       {"hstrlen h a", "1"},
                       {"hstrlen h none", "0"},
                       {"hdel h a none b", "2"},
                       {"hgetall h", "<\"e\" \"6\" \"d\" \"5\" \"c\" \"4\">"},
                       {"hkeys h", "[\"e\" \"d\" \"c\"]"},
                       {"hvals h", "[\"6\" \"5\" \"4\"]"},
                       {"hgetall none", "<>"},
                       {"hincrby h c 10", "14"},
                       {"hincrby h new -3", "-3"},
                       {"hincrby h c x", not_an_integer},
                       {"hset h t text", "1"},
                       {"hincrby h t 1", "-ERR hash value is not an integer"},
                       {"hincrbyfloat h c 0.5", "\"14.5\""},
                       {"hincrbyfloat h t 1", "-ERR hash value is not a float"},
                       {"hincrbyfloat h c x", "-ERR value is not a valid float"},
                       {"hset m n 9223372036854775807", "1"},
                       {"hincrby m n 1", "-ERR increment or decrement would overflow"},
                       {"hscan m 0", "[\"0\" [\"n\" \"9223372036854775807\"]]"},
                       {"hrandfield m", "\"n\""},
                       {"hrandfield none", "nil"},
                       {"hrandfield none 3", "[]"},
                       {"hrandfield m 3", "[\"n\"]"},
                       {"hrandfield m -2", "[\"n\" \"n\"]"},
                       {"hrandfield m 2 withvalues", "[[\"n\" \"9223372036854775807\"]]"},
                       {"hrandfield m 2 sideways", "-ERR syntax error"},
                       {"hrandfield m x", not_an_integer},
                       {"hrandfield m x sideways", not_an_integer},
                       {"hdel m n", "1"},
                       {"exists m", "0"},
                       {"hdel m n", "0"},
                       {"set s x", "OK"},
                       {"hset s a 1", wrong_type},
                       {"hget s a", wrong_type},
                       {"hincrby s a 1", wrong_type},
                       {"hdel s a", wrong_type}});
}

// A quarter of a million looks for each of ten thousand members would be felt: what is named again costs nothing.
TEST(Sets, NamedManyTimesAreTakenOnce) {
  Machine machine;
  std::string members;
  for (int i = 0; i < 10'000; ++i)
    members += " " + std::to_string(i);
  EXPECT_EQ(machine.run("sadd s" + members), "10000");
  EXPECT_EQ(machine.run("sadd t x y"), "2");
  std::string names;
  for (int i = 0; i < 250'000; ++i)
    names += " s";
  EXPECT_EQ(machine.run("sinterstore d" + names), "10000");
  EXPECT_EQ(machine.run("sunionstore d" + names), "10000");
  EXPECT_EQ(machine.run("sdiffstore d t" + names), "2");
}

TEST(Sets, Commands) {
  Machine machine;
  expect_all(machine, {{"sadd s a b c a", "3"},
                       {"sadd s a", "0"},
                       {"scard s", "3"},
                       {"smembers s", "{\"a\" \"b\" \"c\"}"},
                       {"smembers none", "{}"},
                       {"sismember s a", "1"},
                       {"sismember s x", "0"},
                       {"smismember s a x c", "[1 0 1]"},
                       {"smismember none a", "[0]"},
                       {"sadd t b c d", "3"},
                       {"sinter s t", "{\"b\" \"c\"}"},
                       {"sinter s none", "{}"},
                       {"sunion s t", "{\"a\" \"b\" \"c\" \"d\"}"},
                       {"sdiff s t", "{\"a\"}"},
                       {"sdiff s t none", "{\"a\"}"},
                       {"sdiff none s", "{}"},
                       {"sdiff s s", "{}"},
                       {"sdiff s t t none t", "{\"a\"}"},
                       {"sdiff none none", "{}"},
                       {"sinter s t s t t", "{\"b\" \"c\"}"},
                       {"sunion t s t s none none", "{\"b\" \"c\" \"d\" \"a\"}"},
                       {"sinterstore r s t", "2"},
                       {"smembers r", "{\"b\" \"c\"}"},
                       {"sunionstore r s t", "4"},
                       {"sdiffstore s s t", "1"},
                       {"smembers s", "{\"a\"}"},
                       {"sinterstore r s t", "0"},
                       {"exists r", "0"},
                       {"sintercard 2 s t", "0"},
                       {"sintercard 2 t t", "3"},
                       {"sintercard 2 t t limit 2", "2"},
                       {"sintercard 2 t t limit 0", "3"},
                       {"sintercard 2 t t limit x y", "-ERR LIMIT can't be negative"},
                       {"sintercard 0 t", "-ERR numkeys should be greater than 0"},
                       {"sintercard x t", "-ERR numkeys should be greater than 0"},
                       {"sintercard 3 t t", "-ERR Number of keys can't be greater than number of args"},
                       {"sintercard 1 t limit -1", "-ERR LIMIT can't be negative"},
                       {"sintercard 1 t limit", "-ERR syntax error"},
                       {"smove t s b", "1"},
                       {"smove t s b", "0"},
                       {"smove t t c", "1"},
                       {"smove none s b", "0"},
                       {"smove s new a", "1"},
                       {"smembers s", "{\"b\"}"},
                       {"srem t c d x", "2"},
                       {"exists t", "0"},
                       {"spop s", "\"b\""},
                       {"exists s", "0"},
                       {"spop s", "nil"},
                       {"spop s 2", "{}"},
                       {"spop new -1", not_positive},
                       {"spop new 0", "{}"},
                       {"spop new 5", "{\"a\"}"},
                       {"srandmember s", "nil"},
                       {"srandmember s 2", "[]"},
                       {"sadd s a", "1"},
                       {"srandmember s", "\"a\""},
                       {"srandmember s 2", "[\"a\"]"},
                       {"srandmember s -3", "[\"a\" \"a\" \"a\"]"},
                       {"srandmember s x", not_an_integer},
                       {"srandmember s -9223372036854775808",
                        "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
                       {"set string x", "OK"},
                       {"sadd string a", wrong_type},
                       {"sinter s string", wrong_type},
                       {"sunionstore string s", "1"},
                       {"type string", "set"}});
}

TEST(Sets, RandomChoicesReachAllAndDiffer) {
  Machine machine;
  machine.run("sadd s 0 1 2 3 4 5 6 7 8 9");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string reply = machine.run("srandmember s 3");
    const std::set<char> members = {reply[2], reply[6], reply[10]};
    EXPECT_EQ(members.size(), 3u) << reply;
    for (const char member : members)
      seen.insert(std::string(1, member));
  }
  EXPECT_EQ(seen.size(), 10u);
  std::set<std::string> popped;
  for (int i = 0; i < 10; ++i)
    popped.insert(machine.run("spop s"));
  EXPECT_EQ(popped.size(), 10u);
}

TEST(Lists, Commands) {
  Machine machine;
  expect_all(machine,
             {{"rpush l a b c", "3"},
              {"lpush l x y", "5"},
              {"lrange l 0 -1", "[\"y\" \"x\" \"a\" \"b\" \"c\"]"},
              {"lrange l 1 2", "[\"x\" \"a\"]"},
              {"lrange l -2 100", "[\"b\" \"c\"]"},
              {"lrange l 3 1", "[]"},
              {"lrange l 0 -100", "[]"},
              {"lrange none 0 -1", "[]"},
              {"lpushx none a", "0"},
              {"rpushx l d", "6"},
              {"llen l", "6"},
              {"llen none", "0"},
              {"lindex l 0", "\"y\""},
              {"lindex l -1", "\"d\""},
              {"lindex l 9", "nil"},
              {"lindex l x", not_an_integer},
              {"lset l 1 X", "OK"},
              {"lset l 9 X", "-ERR index out of range"},
              {"lset none 0 X", "-ERR no such key"},
              {"linsert l before a A", "7"},
              {"linsert l after c C", "8"},
              {"linsert l after none C", "-1"},
              {"linsert none after a C", "0"},
              {"linsert l beside a C", "-ERR syntax error"},
              {"lrange l 0 -1", "[\"y\" \"X\" \"A\" \"a\" \"b\" \"c\" \"C\" \"d\"]"},
              {"lpop l", "\"y\""},
              {"rpop l", "\"d\""},
              {"lpop l 2", "[\"X\" \"A\"]"},
              {"rpop l 2", "[\"C\" \"c\"]"},
              {"lpop l 0", "[]"},
              {"lpop l -1", not_positive},
              {"lpop l 1 1", "-ERR wrong number of arguments for 'lpop' command"},
              {"lpop none", "nil"},
              {"lpop none 2", "nil"},
              {"lpop l 9", "[\"a\" \"b\"]"},
              {"exists l", "0"},
              {"rpush l a b a c a", "5"},
              {"lrem l 1 a", "1"},
              {"lrange l 0 -1", "[\"b\" \"a\" \"c\" \"a\"]"},
              {"lrem l -1 a", "1"},
              {"lrange l 0 -1", "[\"b\" \"a\" \"c\"]"},
              {"lrem l 0 none", "0"},
              {"rpush l a a", "5"},
              {"lpos l a", "1"},
              {"lpos l a rank 2", "3"},
              {"lpos l a rank -1", "4"},
              {"lpos l a count 0", "[1 3 4]"},
              {"lpos l a count 2 rank -1", "[4 3]"},
              {"lpos l a maxlen 1", "nil"},
              {"lpos l a count 1 maxlen 1", "[]"},
              {"lpos l none", "nil"},
              {"lpos none a count 1", "[]"},
              {"lpos l a rank 0",
               "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to "
               "start from the end of the list"},
              {"lpos l a count -1", "-ERR COUNT can't be negative"},
              {"lpos l a maxlen -1", "-ERR MAXLEN can't be negative"},
              {"lpos l a rank", "-ERR syntax error"},
              {"ltrim l 1 2", "OK"},
              {"lrange l 0 -1", "[\"a\" \"c\"]"},
              {"lmove l m left right", "\"a\""},
              {"lmove l m right left", "\"c\""},
              {"exists l", "0"},
              {"lrange m 0 -1", "[\"c\" \"a\"]"},
              {"lmove m m left right", "\"c\""},
              {"rpoplpush m m", "\"c\""},
              {"rpoplpush none m", "nil"},
              {"lmove m m up down", "-ERR syntax error"},
              {"lrange m 0 -1", "[\"c\" \"a\"]"},
              {"ltrim m 5 9", "OK"},
              {"exists m", "0"},
              {"set string x", "OK"},
              {"lpush string a", wrong_type},
              {"rpush l a", "1"},
              {"rpoplpush l string", wrong_type}});
}

TEST(SortedSets, Commands) {
  Machine machine;
  expect_all(machine, {{"zadd z 1 a 2 b 3 c", "3"},
                       {"zadd z 1 a 5 c", "0"},
                       {"zadd z ch 1 a 6 c 7 d", "2"},
                       {"zadd z nx 9 a 9 e", "1"},
                       {"zadd z xx 2 a 9 f", "0"},
                       {"zadd z gt ch 1 a", "0"},
                       {"zadd z lt ch 1 a", "1"},
                       {"zadd z incr 1.5 a", ",2.5"},
                       {"zadd z nx incr 1 a", "nil"},
                       {"zadd z xx incr 1 none", "nil"},
                       {"zadd none xx 1 a", "0"},
                       {"zadd z nx xx 1 a", "-ERR XX and NX options at the same time are not compatible"},
                       {"zadd z gt lt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
                       {"zadd z nx gt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
                       {"zadd z incr 1 a 2 b", "-ERR INCR option supports a single increment-element pair"},
                       {"zadd z 1 a 2", "-ERR syntax error"},
                       {"zadd z x a", "-ERR value is not a valid float"},
                       {"zadd z nan a", "-ERR value is not a valid float"},
                       {"zrange z 0 -1 withscores", "[[\"b\" ,2] [\"a\" ,2.5] [\"c\" ,6] [\"d\" ,7] [\"e\" ,9]]"},
                       {"zscore z a", ",2.5"},
                       {"zscore z none", "nil"},
                       {"zmscore z a none", "[,2.5 nil]"},
                       {"zincrby z 0.1 a", ",2.6"},
                       {"zincrby z inf a", ",inf"},
                       {"zincrby z -inf a", "-ERR resulting score is not a number (NaN)"},
                       {"zadd z 2.6 a", "0"},
                       {"zcard z", "5"},
                       {"zrank z b", "0"},
                       {"zrevrank z b", "4"},
                       {"zrank z none", "nil"},
                       {"zrank z a withscore", "[1 ,2.6]"},
                       {"zrank z none withscore", "nil"},
                       {"zrank z a b", "-ERR syntax error"},
                       {"zcount z 2 6", "3"},
                       {"zcount z (2 (6", "1"},
                       {"zcount z -inf +inf", "5"},
                       {"zcount z x 1", "-ERR min or max is not a float"},
                       {"zrange z 1 2", "[\"a\" \"c\"]"},
                       {"zrange z 0 1 rev", "[\"e\" \"d\"]"},
                       {"zrevrange z 0 1 withscores", "[[\"e\" ,9] [\"d\" ,7]]"},
                       {"zrange z (2 7 byscore", "[\"a\" \"c\" \"d\"]"},
                       {"zrange z 7 (2 byscore rev", "[\"d\" \"c\" \"a\"]"},
                       {"zrange z 2 7 byscore limit 1 2", "[\"a\" \"c\"]"},
                       {"zrange z 7 2 byscore rev limit 1 2", "[\"c\" \"a\"]"},
                       {"zrangebyscore z -inf +inf withscores limit 3 -1", "[[\"d\" ,7] [\"e\" ,9]]"},
                       {"zrevrangebyscore z +inf (7", "[\"e\"]"},
                       {"zrangebyscore z 5 1", "[]"},
                       {"zrangebyscore z 1 9 limit -1 2", "[]"},
                       {"zrange z 0 1 limit 1 -1", "[\"b\" \"a\"]"},
                       {"zrange z 0 1 limit 0 1",
                        "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"},
                       {"zrange z - + bylex withscores",
                        "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"},
                       {"zrange z a b", not_an_integer},
                       {"zrange z a b byscore", "-ERR min or max is not a float"},
                       {"zrange z a b bylex", "-ERR min or max not valid string range item"},
                       {"zrange none 0 -1", "[]"},
                       {"zadd l 0 a 0 b 0 c 0 d", "4"},
                       {"zrangebylex l - +", "[\"a\" \"b\" \"c\" \"d\"]"},
                       {"zrangebylex l [b (d", "[\"b\" \"c\"]"},
                       {"zrevrangebylex l (d [b", "[\"c\" \"b\"]"},
                       {"zrange l [b + bylex limit 1 5", "[\"c\" \"d\"]"},
                       {"zlexcount l (a +", "3"},
                       {"zremrangebylex l [a (c", "2"},
                       {"zremrangebyrank z 0 0", "1"},
                       {"zremrangebyscore z (6 8", "1"},
                       {"zrange z 0 -1", "[\"a\" \"c\" \"e\"]"},
                       {"zpopmin z", "[\"a\" ,2.6]"},
                       {"zpopmax z 5", "[[\"e\" ,9] [\"c\" ,6]]"},
                       {"zpopmin z", "[]"},
                       {"zpopmin z -1", not_positive},
                       {"exists z", "0"},
                       {"zrem l c none", "1"},
                       {"zscan l 0", "[\"0\" [\"d\" \"0\"]]"},
                       {"zrandmember l", "\"d\""},
                       {"zrandmember l 2 withscores", "[[\"d\" ,0]]"},
                       {"zrem l d", "1"},
                       {"exists l", "0"},
                       {"set string x", "OK"},
                       {"zadd string 1 a", wrong_type},
                       {"zscore string a", wrong_type}});
}

}  // namespace
}  // namespace keel
