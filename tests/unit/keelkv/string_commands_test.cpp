// Each command as a redis-server 7.2 answers it.
#include <gtest/gtest.h>

#include "machine_fixture.hpp"

namespace keel {
namespace {

constexpr std::string_view wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr std::string_view not_an_integer = "-ERR value is not an integer or out of range";

TEST(StringCommands, Set) {
  Machine machine;
  expect_all(machine, {{"set k v", "OK"},
                       {"get k", "\"v\""},
                       {"set k w NX", "nil"},
                       {"set k w XX", "OK"},
                       {"set n w nx", "OK"},
                       {"set m w xx", "nil"},
                       {"set m w nx xx", "-ERR syntax error"},
                       {"set m w sideways", "-ERR syntax error"},
                       {"set m w ex", "-ERR syntax error"},
                       {"set m w ex 1 px 1", "-ERR syntax error"},
                       {"set m w keepttl ex 1", "-ERR syntax error"},
                       {"set m w ex 0", "-ERR invalid expire time in 'set' command"},
                       {"set m w ex 9223372036854775807", "-ERR invalid expire time in 'set' command"},
                       {"set m w px 9223372036854775807", "-ERR invalid expire time in 'set' command"},
                       {"set m w ex x", not_an_integer},
                       {"exists m", "0"},
                       {"set k x get", "\"w\""},
                       {"set k y nx get", "\"x\""},
                       {"get k", "\"x\""},
                       {"set m z nx get", "nil"},
                       {"get m", "\"z\""},
                       {"lpush l a", "1"},
                       {"set l x get", wrong_type},
                       {"get l", wrong_type},
                       {"set l x", "OK"},
                       {"get l", "\"x\""},
                       {"set k v ex 10", "OK"},
                       {"ttl k", "10"},
                       {"set k v keepttl", "OK"},
                       {"pttl k", "10000"},
                       {"set k v", "OK"},
                       {"ttl k", "-1"},
                       {"set k v pxat 2000000", "OK"},
                       {"pexpiretime k", "2000000"},
                       {"set k v exat 5", "OK"},
                       {"exists k", "0"}});
}

TEST(StringCommands, OtherWaysToSetAndGet) {
  Machine machine;
  expect_all(machine, {{"setnx k v", "1"},
                       {"setnx k w", "0"},
                       {"setex k 10 v", "OK"},
                       {"ttl k", "10"},
                       {"setex k 0 v", "-ERR invalid expire time in 'setex' command"},
                       {"psetex k 1500 v", "OK"},
                       {"pttl k", "1500"},
                       {"ttl k", "2"},
                       {"psetex k -1 v", "-ERR invalid expire time in 'psetex' command"},
                       {"getset k w", "\"v\""},
                       {"ttl k", "-1"},
                       {"getset none w", "nil"},
                       {"getdel k", "\"w\""},
                       {"getdel k", "nil"},
                       {"set k v", "OK"},
                       {"getex k ex 5", "\"v\""},
                       {"ttl k", "5"},
                       {"getex k", "\"v\""},
                       {"ttl k", "5"},
                       {"getex k persist", "\"v\""},
                       {"ttl k", "-1"},
                       {"getex k persist ex 5", "-ERR syntax error"},
                       {"getex k ex 0", "-ERR invalid expire time in 'getex' command"},
                       {"getex k exat 1", "\"v\""},
                       {"getex k", "nil"},
                       {"mset a 1 b 2", "OK"},
                       {"mset a 1 b", "-ERR wrong number of arguments for 'mset' command"},
                       {"msetnx c 3 a 9", "0"},
                       {"msetnx c 3 d 4", "1"},
                       {"msetnx c", "-ERR wrong number of arguments for 'msetnx' command"},
                       {"sadd s m", "1"},
                       {"mget a b c missing s", "[\"1\" \"2\" \"3\" nil nil]"}});
}

TEST(StringCommands, Parts) {
  Machine machine;
  expect_all(machine, {{"append k hello", "5"},
                       {"append k \" world\"", "11"},
                       {"append new \"\"", "0"},
                       {"exists new", "1"},
                       {"strlen k", "11"},
                       {"strlen none", "0"},
                       {"getrange k 0 4", "\"hello\""},
                       {"getrange k -5 -1", "\"world\""},
                       {"getrange k 6 100", "\"world\""},
                       {"getrange k 3 1", "\"\""},
                       {"getrange k -1 -5", "\"\""},
                       {"getrange k 0 -100", "\"h\""},
                       {"getrange none 0 -1", "\"\""},
                       {"substr k 0 0", "\"h\""},
                       {"getrange k a 1", not_an_integer},
                       {"setrange k 6 there", "11"},
                       {"get k", "\"hello there\""},
                       {"setrange p 3 x", "4"},
                       {"getrange p 0 -1", std::string_view("\"\0\0\0x\"", 6)},
                       {"setrange none 5 \"\"", "0"},
                       {"exists none", "0"},
                       {"setrange k -1 x", "-ERR offset is out of range"},
                       {"setrange k 8388608 x", "-ERR string exceeds maximum allowed size (8 MiB)"},
                       {"setrange k 9223372036854775807 x", "-ERR string exceeds maximum allowed size (8 MiB)"},
                       {"setrange big 8388607 x", "8388608"},
                       {"append big y", "-ERR string exceeds maximum allowed size (8 MiB)"}});
}

TEST(StringCommands, Bits) {
  Machine machine;
  expect_all(machine, {{"setbit b 7 1", "0"},
                       {"getbit b 7", "1"},
                       {"getbit b 6", "0"},
                       {"getbit b 1000", "0"},
                       {"get b", "\"\x01\""},
                       {"setbit b 7 0", "1"},
                       {"setbit b 23 1", "0"},
                       {"strlen b", "3"},
                       {"setbit b x 1", "-ERR bit offset is not an integer or out of range"},
                       {"setbit b -1 1", "-ERR bit offset is not an integer or out of range"},
                       {"setbit b 67108864 1", "-ERR bit offset is not an integer or out of range"},
                       {"setbit b 1 2", "-ERR bit is not an integer or out of range"},
                       {"set f foobar", "OK"},
                       {"bitcount f", "26"},
                       {"bitcount f 0 0", "4"},
                       {"bitcount f 1 1", "6"},
                       {"bitcount f 1 1 byte", "6"},
                       {"bitcount f 5 30 bit", "17"},
                       {"bitcount f -2 -1 bit", "1"},
                       {"bitcount f 8 8 BIT", "0"},
                       {"bitcount f 9 9 BIT", "1"},
                       {"bitcount f 5 1", "0"},
                       {"bitcount none", "0"},
                       {"bitcount f 1", "-ERR syntax error"},
                       {"bitcount f 1 2 half", "-ERR syntax error"},
                       {"bitcount f 1 x", not_an_integer}});
}

TEST(StringCommands, Counters) {
  Machine machine;
  expect_all(machine, {{"incr n", "1"},
                       {"incrby n 41", "42"},
                       {"decrby n 40", "2"},
                       {"decr n", "1"},
                       {"incrby n x", not_an_integer},
                       {"set n 9223372036854775807", "OK"},
                       {"incr n", "-ERR increment or decrement would overflow"},
                       {"decrby n -9223372036854775808", "-ERR decrement would overflow"},
                       {"set n 01", "OK"},
                       {"incr n", not_an_integer},
                       {"set n 5 ex 10", "OK"},
                       {"incr n", "6"},
                       {"ttl n", "10"},
                       {"lpush l x", "1"},
                       {"incr l", wrong_type},
                       {"set f 10.50", "OK"},
                       {"incrbyfloat f 0.1", "\"10.6\""},
                       {"incrbyfloat f -5", "\"5.6\""},
                       {"incrbyfloat f 5.0e3", "\"5005.60000000000000009\""},
                       {"incrbyfloat new 3", "\"3\""},
                       {"incrbyfloat f x", "-ERR value is not a valid float"},
                       {"incrbyfloat f inf", "-ERR increment would produce NaN or Infinity"},
                       {"set t abc", "OK"},
                       {"incrbyfloat t 1", "-ERR value is not a valid float"}});
}

TEST(StringCommands, LongestCommonSubsequence) {
  Machine machine;
  expect_all(machine, {{"mset a ohmytext b mynewtext", "OK"},
                       {"lcs a b", "\"mytext\""},
                       {"lcs a b len", "6"},
                       {"lcs a none", "\"\""},
                       {"lcs a b idx", "<\"matches\" [[[4 7] [5 8]] [[2 3] [0 1]]] \"len\" 6>"},
                       {"lcs a b idx minmatchlen 4", "<\"matches\" [[[4 7] [5 8]]] \"len\" 6>"},
                       {"lcs a b idx minmatchlen 4 withmatchlen", "<\"matches\" [[[4 7] [5 8] 4]] \"len\" 6>"},
                       {"lcs a b idx len", "-ERR If you want both the length and indexes, please just use IDX."},
                       {"lcs a b sideways", "-ERR syntax error"},
                       {"lpush l x", "1"},
                       {"lcs a l", "-ERR The specified keys must contain string values"},
                       {"setrange x 9000 1", "9001"},
                       {"setrange y 9000 1", "9001"},
                       {"lcs x y", "-ERR Insufficient memory, failed allocating transient memory for LCS"}});
}

TEST(Numbers, DoublesAreWrittenAsRedisWritesThem) {
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string_view>>{{0.1, "0.1"},
                                                        {1, "1"},
                                                        {-1.5, "-1.5"},
                                                        {-0.0, "-0"},
                                                        {3.0e10, "30000000000"},
                                                        {1e17, "100000000000000000"},
                                                        {1e19, "1e+19"},
                                                        {1.5e300, "1.5e+300"},
                                                        {1e-7, "1e-7"},
                                                        {0.00001234, "1.234e-5"},
                                                        {0.001234, "0.001234"},
                                                        {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                        {5e-324, "5e-324"},
                                                        {123456.789, "123456.789"},
                                                        {1.0 / 3, "0.3333333333333333"}}) {
    EXPECT_EQ(to_text(value), text);
    EXPECT_EQ(parse_double(text), value);
  }
  for (const std::string_view no : {"", " 1", "1 ", "x", "nan", "1e400", "0x"}) {
    EXPECT_EQ(parse_double(no), std::nullopt) << no;
  }
}

}  // namespace
}  // namespace keel
