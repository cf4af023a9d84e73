#include "keel-check/store.hpp"

#include <map>

#include <gtest/gtest.h>

#include "keel/raft/random.hpp"

namespace keel::check {
namespace {

TEST(Visited, KnowsWhatItHasSeenAndTheWayThere) {
  Visited visited(1000);
  Random random(1);
  std::vector<std::uint64_t> hashes;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    hashes.push_back(i < 10 ? i : random.next());   // neighbours, and zero
    if (i == 1) hashes.back() = ~std::uint64_t{0};  // which takes the place of zero's
    ASSERT_EQ(visited.insert(hashes.back(), i / 2, static_cast<std::uint16_t>(i)), Visited::Inserted::is_new) << i;
  }
  for (const std::uint64_t hash : hashes)
    EXPECT_EQ(visited.insert(hash, 0, 0), Visited::Inserted::seen);
  EXPECT_EQ(visited.before(501), 250u);
  EXPECT_EQ(visited.action(501), 501u);
}

TEST(Visited, SaysWhenItIsFull) {
  Visited visited(3);
  for (std::uint64_t hash : {1, 2, 3})
    EXPECT_EQ(visited.insert(hash << 60, 0, 0), Visited::Inserted::is_new);
  EXPECT_EQ(visited.insert(4ull << 60, 0, 0), Visited::Inserted::no_room);
  EXPECT_EQ(visited.insert(2ull << 60, 0, 0), Visited::Inserted::seen);
}

TEST(Visited, ItsCapacityIsWhatFitsIntoTheMemory) {
  const std::size_t capacity = Visited::capacity_for(92'000'000);
  EXPECT_EQ(capacity, 6'000'000u);
  EXPECT_LE(capacity * (sizeof(std::uint32_t) + sizeof(std::uint16_t)) + (capacity * 7 / 6) * sizeof(std::uint64_t),
            92'000'000u);
}

TEST(FlatMap, FindsWhatWasPutIn) {
  FlatMap map;
  std::map<std::uint64_t, std::uint32_t> model;
  Random random(2);
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const std::uint64_t key = 1 + random.below(1 << 16) * (i % 2 == 0 ? 1 : std::uint64_t{1} << 32);
    EXPECT_EQ(map.find(key), model.contains(key) ? model[key] : FlatMap::none);
    if (model.try_emplace(key, i).second) map.insert(key, i);
  }
  EXPECT_EQ(map.size(), model.size());
  for (const auto& [key, value] : model)
    EXPECT_EQ(map.find(key), value);
}

TEST(Queue, GivesBackWhatItTookInOrder) {
  Queue queue;
  Random random(3);
  std::uint32_t pushed = 0;
  std::uint32_t popped = 0;
  const auto words_of = [](std::uint32_t i) { return std::vector<std::uint32_t>(1 + i % 40, i); };
  while (pushed < 100000 || popped < pushed) {
    if (pushed < 100000 && (popped == pushed || random.below(5) < 3)) {
      queue.push(words_of(pushed++));
    } else {
      const auto words = queue.pop();
      ASSERT_TRUE(std::ranges::equal(words, words_of(popped))) << popped;
      ++popped;
    }
    ASSERT_EQ(queue.size(), pushed - popped);
  }
  EXPECT_LT(queue.bytes(), 1u << 20) << "what was taken out is given back";
}

}  // namespace
}  // namespace keel::check
