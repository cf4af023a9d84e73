#include "keel/raft/entries.hpp"

#include <gtest/gtest.h>

#include "lone.hpp"

namespace keel::test {
namespace {

Entry entry(std::uint64_t index) { return Lone::entry(index, 1, std::to_string(index)); }

TEST(Entries, AreAsManyAsWerePutInHoweverTheyCame) {
  for (std::uint64_t size = 0; size <= 5; ++size) {
    std::vector<Entry> expected;
    Entries pushed;
    Entries reserved;
    reserved.reserve(size);
    for (std::uint64_t i = 1; i <= size; ++i) {
      expected.push_back(entry(i));
      pushed.push_back(entry(i));
      reserved.push_back(entry(i));
    }
    const Entries viewed{std::span<const Entry>(expected)};
    const Entries taken(expected);
    for (const Entries& all : {pushed, reserved, viewed, taken}) {
      ASSERT_EQ(all.size(), size);
      EXPECT_EQ(all.empty(), size == 0);
      EXPECT_TRUE(std::ranges::equal(all, expected));
      EXPECT_EQ(all, pushed);
      if (size == 0) continue;
      EXPECT_EQ(all.front(), expected.front());
      EXPECT_EQ(all.back(), expected.back());
      EXPECT_EQ(all[size - 1], expected[size - 1]);
    }
    Entries more = pushed;
    more.push_back(entry(9));
    EXPECT_NE(more, pushed);
    more.clear();
    EXPECT_EQ(more, Entries());
  }
  EXPECT_EQ((Entries{entry(1), entry(2)}), Entries(std::vector{entry(1), entry(2)}));
}

// What the class is for.
TEST(Entries, ASingleOneLiesInside) {
  Entries one{entry(1)};
  const auto* lies_at = reinterpret_cast<const std::byte*>(&one.front());
  const auto* begin = reinterpret_cast<const std::byte*>(&one);
  EXPECT_TRUE(lies_at >= begin && lies_at < begin + sizeof(one));
}

}  // namespace
}  // namespace keel::test
