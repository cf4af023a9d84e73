#include "keel/base/ids.hpp"

#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

namespace keel::test {
namespace {

// A term is no index and no node, and none is a number by accident.
static_assert(!std::is_convertible_v<Term, Index>);
static_assert(!std::is_constructible_v<Term, Index>);
static_assert(!std::is_convertible_v<NodeId, GroupId>);
static_assert(!std::is_convertible_v<std::uint64_t, Index>);
static_assert(!std::is_convertible_v<Index, std::uint64_t>);
static_assert(!std::is_invocable_v<std::less<>, Term, Index>);

TEST(Ordinal, Counts) {
  Index index(4);
  EXPECT_EQ(index.next(), Index(5));
  EXPECT_EQ(index.previous(), Index(3));
  EXPECT_EQ(++index, Index(5));
  EXPECT_EQ(index += 2, Index(7));
  EXPECT_EQ(index + 3, Index(10));
  EXPECT_EQ(index - 3, Index(4));
  EXPECT_EQ(index - Index(5), 2u);
  EXPECT_LT(Index(3), Index(4));
}

TEST(Ordinal, NothingComesBeforeZero) {
  EXPECT_EQ(Index().previous(), Index(0));
  EXPECT_EQ(Index(), Index(0));
  EXPECT_EQ(nobody, NodeId(0));
}

TEST(Ordinal, CanBeAKey) {
  const std::unordered_set<NodeId> nodes = {NodeId(1), NodeId(2), NodeId(1)};
  const std::unordered_set<Term> terms = {Term(1), Term(1)};
  EXPECT_EQ(nodes.size(), 2u);
  EXPECT_EQ(terms.size(), 1u);
}

}  // namespace
}  // namespace keel::test
