#include "keelkv/data/scan_map.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace keel {
namespace {

// Growing, shrinking and being emptied, as a map of the standard library does it.
TEST(ScanMap, IsAMap) {
  std::mt19937 random(3);
  ScanMap<int> map;
  std::map<std::string, int> model;
  const auto check = [&](const std::string& key) {
    const auto* const found = map.find(key);
    const auto known = model.find(key);
    ASSERT_EQ(found != nullptr, known != model.end()) << key;
    EXPECT_TRUE(found == nullptr || found->second.value == known->second) << key;
  };
  for (const unsigned keys : {3u, 40u, 3000u, 10u}) {
    for (unsigned i = 0; i < 20 * keys; ++i) {
      const std::string key = std::to_string(random() % keys);
      if (random() % 2 == 0) {
        const auto [element, is_new] = map.make(key);
        EXPECT_EQ(is_new, !model.contains(key));
        element->second.value = model[key] = static_cast<int>(random() % 1000);
      } else if (auto* const element = map.find(key)) {
        map.erase(*element);
        model.erase(key);
      }
      check(std::to_string(random() % keys));
    }
    ASSERT_EQ(map.size(), model.size());
    std::set<std::string> in_row;
    for (std::size_t i = 0; i < map.size(); ++i) {
      EXPECT_EQ(map.at(i).second.position, i);
      check(map.at(i).first);
      in_row.insert(map.at(i).first);
    }
    EXPECT_EQ(in_row.size(), model.size());
    while (!map.empty() && random() % 100 != 0) {
      model.erase(map.at(0).first);
      map.erase(map.at(0));
    }
    for (const auto& [key, value] : model)
      check(key);
  }
  map.clear();
  EXPECT_EQ(map.find(std::string("1")), nullptr);
  EXPECT_TRUE(map.make(std::string("1")).second);
}

TEST(ScanMap, ElementsStayWhereTheyAre) {
  ScanMap<int> map;
  auto* const first = map.make(std::string("first")).first;
  for (int i = 0; i < 1000; ++i)
    map.make(std::to_string(i));
  for (int i = 0; i < 1000; i += 2)
    map.erase(*map.find(std::to_string(i)));
  EXPECT_EQ(map.find(std::string("first")), first);
  EXPECT_EQ(first->first, "first");
}

TEST(ScanMap, WalksDownwardsInSteps) {
  ScanMap<int> map;
  for (const char* key : {"a", "b", "c", "d", "e"})
    map.make(std::string(key));
  std::string seen;
  const auto visit = [&](const auto& element) { seen += element.first; };
  std::uint64_t cursor = map.scan(0, 2, visit);
  EXPECT_EQ(cursor, 3u);
  map.erase(*map.find(std::string("a")));  // "e", visited, takes its place
  map.make(std::string("f"));
  cursor = map.scan(cursor, 2, visit);
  EXPECT_EQ(cursor, 1u);
  EXPECT_EQ(map.scan(cursor, 100, visit), 0u);
  EXPECT_EQ(seen, "edcbe");
  EXPECT_EQ(map.scan(99, 1, visit), 4u);
}

// Keys that a client can make at will, and whose hash is the same on every node: in tables they must not collide.
TEST(ScanMap, KeysThatCollideEverywhereElseDoNotHere) {
  const std::string secret("\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe", 8);  // with which XXH3 begins unless told another
  std::set<std::uint64_t> hashes;
  std::set<std::uint64_t> table_hashes;
  for (int i = 0; i < 1000; ++i) {
    const HashedKey key(secret + std::to_string(10'000'000 + i) + std::string(16, 'x'));
    hashes.insert(key.hash);
    table_hashes.insert(key.table_hash);
  }
  EXPECT_EQ(hashes.size(), 1u);
  EXPECT_EQ(table_hashes.size(), 1000u);
}

}  // namespace
}  // namespace keel
