// Commands on keys, and when keys die.
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine_fixture.hpp"

namespace keel {
namespace {

TEST(KeyCommands, AsRedisAnswersThem) {
  Machine machine;
  expect_all(machine, {{"mset a 1 b 2", "OK"},
                       {"del a b c a", "2"},
                       {"mset a 1 b 2 c 3", "OK"},
                       {"unlink a none", "1"},
                       {"exists b b c a", "3"},
                       {"touch b c a", "2"},
                       {"type b", "string"},
                       {"type none", "none"},
                       {"hset h f v", "1"},
                       {"sadd s m", "1"},
                       {"rpush l e", "1"},
                       {"zadd z 1 m", "1"},
                       {"type h", "hash"},
                       {"type s", "set"},
                       {"type l", "list"},
                       {"type z", "zset"},
                       {"dbsize", "6"},
                       {"object encoding b", "\"int\""},
                       {"object encoding h", "\"listpack\""},
                       {"object encoding none", "nil"},
                       {"object refcount b", "1"},
                       {"object idletime none", "nil"},
                       {"rename b d", "OK"},
                       {"get d", "\"2\""},
                       {"rename b d", "-ERR no such key"},
                       {"rename d d", "OK"},
                       {"renamenx d c", "0"},
                       {"renamenx d e", "1"},
                       {"renamenx e e", "0"},
                       {"rename h c", "OK"},
                       {"hget c f", "\"v\""},
                       {"copy e f", "1"},
                       {"copy e f", "0"},
                       {"copy c f", "0"},
                       {"copy c f replace", "1"},
                       {"hgetall f", "<\"f\" \"v\">"},
                       {"copy e e", "-ERR source and destination objects are the same"},
                       {"copy none x", "0"},
                       {"copy e x db 1", "-ERR DB index is out of range"},
                       {"copy e x db 0", "1"},
                       {"copy e x sideways", "-ERR syntax error"},
                       {"flushall sideways", "-ERR syntax error"},
                       {"flushall ASYNC", "OK"},
                       {"dbsize", "0"},
                       {"randomkey", "nil"}});
}

TEST(KeyCommands, CopiesAndRenamesOfAllTypesKeepValueAndExpiry) {
  Machine machine;
  expect_all(machine, {{"set string x ex 100", "OK"},
                       {"rpush list a b", "2"},
                       {"sadd set a b", "2"},
                       {"zadd zset 1 a 2 b", "2"},
                       {"hset hash f v", "1"}});
  for (const std::string key : {"string", "list", "set", "zset", "hash"}) {
    const std::uint64_t before = machine->store().hash();
    EXPECT_EQ(machine.run("copy " + key + " copy"), "1");
    EXPECT_EQ(machine.run("ttl copy"), machine.run("ttl " + key));
    EXPECT_EQ(machine.run("type copy"), machine.run("type " + key));
    machine.run("del " + key);
    EXPECT_NE(machine->store().hash(), before);
    EXPECT_EQ(machine.run("rename copy " + key), "OK");
    EXPECT_EQ(machine->store().hash(), before) << key;
  }
}

TEST(Expiry, Commands) {
  Machine machine;
  expect_all(machine, {{"expire none 10", "0"},
                       {"set k v", "OK"},
                       {"ttl k", "-1"},
                       {"ttl none", "-2"},
                       {"expiretime k", "-1"},
                       {"expire k 10", "1"},
                       {"ttl k", "10"},
                       {"pttl k", "10000"},
                       {"expiretime k", "1010"},
                       {"pexpiretime k", "1010000"},
                       {"expire k 20 nx", "0"},
                       {"expire k 20 gt", "1"},
                       {"expire k 10 gt", "0"},
                       {"pexpire k 30000 lt", "0"},
                       {"pexpire k 5000 lt", "1"},
                       {"expire k 7 xx", "1"},
                       {"persist k", "1"},
                       {"persist k", "0"},
                       {"expire k 10 xx", "0"},
                       {"expire k 10 gt", "0"},
                       {"expire k 10 lt", "1"},
                       {"expireat k 2000", "1"},
                       {"pexpireat k 2000001", "1"},
                       {"pttl k", "1000001"},
                       {"expire k 10 nx xx", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
                       {"expire k 10 gt lt", "-ERR GT and LT options at the same time are not compatible"},
                       {"expire k 10 maybe", "-ERR Unsupported option maybe"},
                       {"expire k x", "-ERR value is not an integer or out of range"},
                       {"expire k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
                       {"pexpire k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
                       {"expire k -1", "1"},
                       {"exists k", "0"},
                       {"ttl k", "-2"}});
}

// hazard: H60 (no node goes by its own clock)
TEST(Expiry, KeysDieByTheLogsTime) {
  Machine machine;
  machine.run("set k v px 100");
  machine.run("hset h f v");
  machine.run("pexpire h 100");
  machine.now += 99;
  machine.run("set other x");
  EXPECT_EQ(machine.run("get k"), "\"v\"");
  machine.now += 1;
  machine.run("set other y");
  EXPECT_EQ(machine.run("get k"), "nil");
  EXPECT_EQ(machine.run("exists k h"), "0");
  EXPECT_EQ(machine.run("dbsize"), "1");
  EXPECT_EQ(machine->store().keys().size(), 1u);
  machine.now -= 1000;  // the log's time never goes back
  EXPECT_EQ(machine.run("set k v nx"), "OK");
  EXPECT_EQ(machine.run("hset h g v"), "1");
  EXPECT_EQ(machine.run("hlen h"), "1");
}

// More may be due at once than one command removes: reads and writes take the rest for dead all the same.
TEST(Expiry, WhatIsNotYetRemovedIsDeadToo) {
  Machine machine;
  constexpr std::size_t count = 3 * KvStore::dead_removed_at_once;
  for (std::size_t i = 0; i < count; ++i)
    machine.run("set k" + std::to_string(i) + " v px 10");
  machine.now += 10;
  machine.run("set other x");
  EXPECT_EQ(machine->store().keys().size(), count + 1 - KvStore::dead_removed_at_once);
  EXPECT_EQ(machine.run("dbsize"), "1");
  EXPECT_EQ(machine.run("keys *"), "[\"other\"]");
  EXPECT_EQ(machine.run("scan 0 count 1000"), "[\"0\" [\"other\"]]");
  EXPECT_EQ(machine.run("randomkey"), "\"other\"");
  const std::string dead(machine->store().keys().at(0).first);
  EXPECT_EQ(machine.run("get " + dead), "nil");
  EXPECT_EQ(machine.run("append " + dead + " x"), "1");
  EXPECT_EQ(machine.run("ttl " + dead), "-1");
  for (int i = 0; i < 3; ++i)
    machine.tell_time();
  EXPECT_EQ(machine->store().keys().size(), 2u);
  EXPECT_EQ(machine->store().expiring(), 0u);
}

// A key that is dead by this node's clock but not by the log's time: the log must hear the time first.
TEST(Expiry, ReadsSayThatTheySawAKeyThatIsDue) {
  Machine machine;
  machine.run("set k v px 100");
  machine.run("set other v");
  machine.wall = machine.now + 99;
  for (const std::string_view line : {"get k", "exists k", "dbsize", "keys *", "scan 0", "ttl k", "type k"}) {
    machine.run(line);
    EXPECT_FALSE(machine.found_due()) << line;
  }
  EXPECT_EQ(machine.run("pttl k"), "1");
  machine.wall += 1;
  for (const std::string_view line : {"get k", "exists other k", "dbsize", "keys *", "scan 0", "ttl k", "type k"}) {
    machine.run(line);
    EXPECT_TRUE(machine.found_due()) << line;
  }
  machine.run("get other");
  EXPECT_FALSE(machine.found_due());
  machine.now = machine.wall;
  machine.tell_time();
  EXPECT_EQ(machine.run("get k"), "nil");
  EXPECT_FALSE(machine.found_due());
}

TEST(Scan, OptionsAndErrors) {
  Machine machine;
  machine.run("mset a1 x b1 x a2 x Ab x");
  machine.run("sadd a3 m");
  expect_all(machine, {{"scan 0", "[\"0\" [\"a3\" \"Ab\" \"a2\" \"b1\" \"a1\"]]"},
                       {"scan 0 count 2", "[\"3\" [\"a3\" \"Ab\"]]"},
                       {"scan 3 count 2", "[\"1\" [\"a2\" \"b1\"]]"},
                       {"scan 1 count 2", "[\"0\" [\"a1\"]]"},
                       {"scan 0 match a*", "[\"0\" [\"a3\" \"a2\" \"a1\"]]"},
                       {"scan 0 match a* type string", "[\"0\" [\"a2\" \"a1\"]]"},
                       {"scan 0 type SET", "[\"0\" [\"a3\"]]"},
                       {"scan x", "-ERR invalid cursor"},
                       {"scan -1", "-ERR invalid cursor"},
                       {"scan 0 count 0", "-ERR syntax error"},
                       {"scan 0 count x", "-ERR value is not an integer or out of range"},
                       {"scan 0 count", "-ERR syntax error"},
                       {"scan 999999 count 100", "[\"0\" [\"a3\" \"Ab\" \"a2\" \"b1\" \"a1\"]]"},
                       {"keys a?", "[\"a1\" \"a2\" \"a3\"]"},
                       {"hscan none 0", "[\"0\" []]"},
                       {"sscan a3 0", "[\"0\" [\"m\"]]"},
                       {"sscan a1 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"}});
}

// Walks with `command` to the end, and changes something between the steps: what was seen of `there`, as it was at each.
template <class Change>
std::set<std::string> walked(Machine& machine, const std::string& command, const std::set<std::string>& there,
                             std::mt19937& random, Change change) {
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const std::string reply = machine.run(command + " " + cursor + " count " + std::to_string(1 + random() % 7));
    for (const std::string& name : there) {
      if (reply.find("\"" + name + "\"") != std::string::npos) seen.insert(name);
    }
    cursor = reply.substr(2, reply.find('"', 2) - 2);
    for (unsigned i = random() % 8; i > 0; --i)
      change();
  } while (cursor != "0");
  return seen;
}

// Under random insertions and removals, every key that was there throughout is returned.
TEST(Scan, ReturnsEveryKeyThatWasThereThroughout) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    Machine machine;
    std::set<std::string> there;
    const auto change = [&](std::set<std::string>& stayed) {
      const std::string key = "k" + std::to_string(random() % 60);
      if (random() % 2 == 0) {
        machine.run("set " + key + " v");
        there.insert(key);
      } else {
        machine.run("del " + key);
        there.erase(key);
        stayed.erase(key);
      }
    };
    std::set<std::string> stayed;
    for (int i = 0; i < 80; ++i)
      change(stayed);
    stayed = there;
    const auto seen = walked(machine, "scan", there, random, [&] { change(stayed); });
    EXPECT_THAT(seen, testing::IsSupersetOf(stayed));
  }
}

// The same of a set's members, when it is stored into as well.
TEST(Scan, ReturnsEveryMemberThatWasThereThroughout) {
  std::mt19937 random(12);
  const auto line = [](std::string command, const std::set<std::string>& members) {
    for (const std::string& member : members)
      command += " " + member;
    return command;
  };
  for (int round = 0; round < 200; ++round) {
    Machine machine;
    std::set<std::string> there;
    std::set<std::string> other;
    const auto change = [&](std::set<std::string>& stayed) {
      const std::string member = "m" + std::to_string(random() % 60);
      std::set<std::string> after = there;
      switch (random() % 8) {
        case 0:
          machine.run("sunionstore s other s");
          after.insert(other.begin(), other.end());
          break;
        case 1:
          machine.run("sdiffstore s s other");
          for (const std::string& gone : other)
            after.erase(gone);
          break;
        case 2:
          machine.run("del other");
          other.clear();
          for (unsigned i = random() % 4; i > 0; --i)
            other.insert("m" + std::to_string(random() % 60));
          if (!other.empty()) machine.run(line("sadd other", other));
          break;
        case 3:
        case 4:
          machine.run("srem s " + member);
          after.erase(member);
          break;
        default: machine.run("sadd s " + member); after.insert(member);
      }
      there = after;
      std::erase_if(stayed, [&](const std::string& one) { return !there.contains(one); });
    };
    std::set<std::string> stayed;
    for (int i = 0; i < 80; ++i)
      change(stayed);
    stayed = there;
    const auto seen = walked(machine, "sscan s", there, random, [&] { change(stayed); });
    EXPECT_THAT(seen, testing::IsSupersetOf(stayed));
    EXPECT_EQ(machine.run("scard s"), std::to_string(there.size()));
  }
}

TEST(Keys, RandomKeyReachesAll) {
  Machine machine;
  machine.run("mset a 1 b 1 c 1 d 1");
  std::map<std::string, int> chosen;
  for (int i = 0; i < 200; ++i)
    ++chosen[machine.run("randomkey")];
  EXPECT_EQ(chosen.size(), 4u);
}

}  // namespace
}  // namespace keel
