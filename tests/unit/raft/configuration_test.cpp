#include "keel/raft/configuration.hpp"

#include <gtest/gtest.h>

#include "keel/raft/random.hpp"

namespace keel::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const Payload& payload) { return {payload.bytes().begin(), payload.bytes().end()}; }

Configuration rich() {
  return {.members = {{.id = NodeId(1), .address = "10.0.0.1:7100", .data = "client=10.0.0.1:6400"},
                      {.id = NodeId(7), .role = MemberRole::learner, .old_role = MemberRole::voter, .address = "b"},
                      {.id = NodeId(~0ULL), .role = MemberRole::witness, .address = std::string(255, 'x')}},
          .joint = true,
          .format_level = 3};
}
Genesis first() { return make_genesis("orders", {{.id = NodeId(3)}, {.id = NodeId(1)}, {.id = NodeId(2)}}); }

std::string text(std::uint64_t seed, std::size_t size) { return std::string(size, static_cast<char>('a' + seed % 26)); }

// mission: 11
TEST(Configuration, ComesBackAsItWasEncoded) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    Configuration made{
        .members = {}, .joint = random.below(2) == 0, .format_level = static_cast<std::uint32_t>(1 + random.below(9))};
    const std::uint64_t size = 1 + random.below(max_members);
    for (std::uint64_t id = 1; id <= size; ++id) {
      made.members.push_back({.id = NodeId(id * 1000),
                              .role = static_cast<MemberRole>(random.below(4)),
                              .old_role = static_cast<MemberRole>(random.below(4)),
                              .address = text(id, random.below(256)),
                              .data = text(id + 1, random.below(256))});
    }
    made.members.front().role = made.members.front().old_role = MemberRole::voter;
    const auto read = decode_configuration(encode(made).bytes());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, made);
  }
  const auto genesis = decode_genesis(encode(first()).bytes());
  ASSERT_TRUE(genesis);
  EXPECT_EQ(*genesis, first());
}

// One meaning has one form, so that equal configurations are equal bytes on every node.
template <class Decode>
void expect_refused_or_exact(const Bytes& bytes, Decode decode) {
  const auto read = decode(bytes);
  if (read) {
    EXPECT_EQ(bytes_of(encode(*read)), bytes);
  } else {
    EXPECT_TRUE(read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::wrong_version);
    EXPECT_FALSE(read.error().message.empty());
  }
}

TEST(Configuration, HostileBytesAreRefusedOrMeanWhatTheySay) {
  const auto try_all = [](const Bytes& good, auto decode) {
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
      const auto read = decode(ByteView(good).first(cut));
      ASSERT_FALSE(read) << "cut at " << cut;
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes flipped = good;
        flipped[i] ^= std::byte(1 << bit);
        expect_refused_or_exact(flipped, decode);
      }
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode(longer)) << "bytes behind the end";
    Random random(2);
    for (int round = 0; round < 20000; ++round) {
      Bytes noise(random.below(80));
      for (std::byte& b : noise)
        b = std::byte(random.below(256));
      if (!noise.empty()) noise[0] = good[0];
      expect_refused_or_exact(noise, decode);
    }
  };
  try_all(bytes_of(encode(rich())), [](ByteView bytes) { return decode_configuration(bytes); });
  try_all(bytes_of(encode(first())), [](ByteView bytes) { return decode_genesis(bytes); });
}

TEST(Configuration, AnotherVersionIsSaidToBeOne) {
  Bytes newer = bytes_of(encode(rich()));
  newer[0] = std::byte{9};
  const auto read = decode_configuration(newer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::wrong_version);
  EXPECT_EQ(read.error().message, "configuration entry: version 9, this build reads 1");
}

struct Bad {
  const char* says;
  void (*spoil)(Configuration&);
};
TEST(Configuration, WhatDoesNotFitIsNamed) {
  const std::vector<Bad> table = {
      {"no voter", [](Configuration& c) { c.members[0].role = MemberRole::learner; }},
      {"no voter", [](Configuration& c) { c.members.clear(); }},
      {"no voter in the half being left", [](Configuration& c) { c.members[1].old_role = MemberRole::none; }},
      {"id 0", [](Configuration& c) { c.members[0].id = nobody; }},
      {"must ascend and differ; see 7", [](Configuration& c) { c.members[2].id = NodeId(7); }},
      {"must ascend and differ; see 9", [](Configuration& c) { c.members[0].id = NodeId(9); }},
      {"more than 64", [](Configuration& c) { c.members.resize(65); }},
      {"member 7 has an address of over 255", [](Configuration& c) { c.members[1].address.resize(256); }},
      {"member 1 has over 255 bytes of data", [](Configuration& c) { c.members[0].data.resize(256); }},
      {"no known role", [](Configuration& c) { c.members[0].role = static_cast<MemberRole>(4); }},
      {"no known role", [](Configuration& c) { c.members[0].old_role = static_cast<MemberRole>(4); }},
      {"format level 0", [](Configuration& c) { c.format_level = 0; }},
  };
  ASSERT_TRUE(validate(rich()));
  for (const Bad& bad : table) {
    Configuration spoiled = rich();
    bad.spoil(spoiled);
    const auto good = validate(spoiled);
    ASSERT_FALSE(good) << bad.says;
    EXPECT_EQ(good.error().code, ErrorCode::invalid);
    EXPECT_NE(good.error().message.find(bad.says), std::string::npos) << good.error().message;
  }
}

struct BadGenesis {
  const char* says;
  void (*spoil)(Genesis&);
};
// mission: 4y.4
TEST(Genesis, WhatDoesNotFitIsNamed) {
  const std::vector<BadGenesis> table = {
      {"1 to 255 bytes", [](Genesis& g) { g.cluster_name.clear(); }},
      {"1 to 255 bytes", [](Genesis& g) { g.cluster_name.resize(256); }},
      {"cannot be joint", [](Genesis& g) { g.configuration.joint = true; }},
      {"max_promise is negative", [](Genesis& g) { g.max_promise = Duration(-1); }},
      {"min_election_voters is 0; allowed is 1 to 3", [](Genesis& g) { g.min_election_voters = 0; }},
      {"min_election_voters is 4; allowed is 1 to 3", [](Genesis& g) { g.min_election_voters = 4; }},
      {"no voter", [](Genesis& g) { g.configuration.members.clear(); }},
  };
  ASSERT_TRUE(validate(first()));
  for (const BadGenesis& bad : table) {
    Genesis spoiled = first();
    bad.spoil(spoiled);
    const auto good = validate(spoiled);
    ASSERT_FALSE(good) << bad.says;
    EXPECT_NE(good.error().message.find(bad.says), std::string::npos) << good.error().message;
  }
}

// mission: 4y.4
TEST(Genesis, TheFloorIsAMajorityOfTheFirstVotersByDefault) {
  for (const auto& [voters, floor] : {std::pair{1U, 1U}, {2U, 2U}, {3U, 2U}, {4U, 3U}, {5U, 3U}}) {
    std::vector<Member> members;
    for (std::uint64_t id = 1; id <= voters; ++id)
      members.push_back({.id = NodeId(id)});
    members.push_back({.id = NodeId(9), .role = MemberRole::learner});
    EXPECT_EQ(make_genesis("c", members).min_election_voters, floor) << voters;
  }
}

// mission: 4y.1  Who starts with another list or another name is of another cluster; addresses and order do not matter.
TEST(Genesis, TheClusterIdTellsNameAndFirstVotersApart) {
  const auto id = [](const std::string& name, std::vector<Member> members) {
    return make_genesis(name, std::move(members)).cluster_id();
  };
  const ClusterId known = id("orders", {{.id = NodeId(1)}, {.id = NodeId(2)}});
  EXPECT_EQ(id("orders", {{.id = NodeId(2), .address = "elsewhere"}, {.id = NodeId(1)}}), known);
  EXPECT_NE(id("order", {{.id = NodeId(1)}, {.id = NodeId(2)}}), known);
  EXPECT_NE(id("orders", {{.id = NodeId(1)}, {.id = NodeId(3)}}), known);
  EXPECT_NE(id("orders", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}}), known);
  EXPECT_NE(id("orders", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3), .role = MemberRole::witness}}),
            known);
  EXPECT_NE(id("a", {{.id = NodeId('b')}, {.id = NodeId(1000)}}), id("ab", {{.id = NodeId(1000)}}));
  EXPECT_NE(known, ClusterId());
}

}  // namespace
}  // namespace keel::test
