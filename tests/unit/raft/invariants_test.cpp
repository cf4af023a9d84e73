#include "keel/raft/invariants.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "lone.hpp"

namespace keel::test {
namespace {

using Terms = std::vector<std::uint64_t>;

// Log Matching, said as simply as it can be: where two logs agree they agree everywhere before.
bool match(const Terms& a, const Terms& b) {
  bool apart = false;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != b[i]) apart = true;
    if (a[i] == b[i] && apart) return false;
  }
  return true;
}

Terms some_terms(std::mt19937& random) {
  Terms terms;
  std::uint64_t term = 1;
  for (auto length = random() % 8; length > 0; --length) {
    term += random() % 3 == 0 ? 1 + random() % 2 : 0;
    terms.push_back(term);
  }
  return terms;
}

TEST(Invariants, LogsThatDoNotMatchAreSeen) {
  std::mt19937 random(1);
  int broken = 0;
  for (int i = 0; i < 3000; ++i) {
    const Terms of_a = some_terms(random);
    const Terms of_b = some_terms(random);
    const Lone a(of_a, {Term(20), nobody});
    const Lone b(of_b, {Term(20), nobody});
    const auto found = check_pair(*a.raft, *b.raft);
    EXPECT_EQ(!found, match(of_a, of_b)) << testing::PrintToString(of_a) << testing::PrintToString(of_b)
                                         << found.value_or("");
    broken += found ? 1 : 0;
  }
  EXPECT_GT(broken, 100);
  EXPECT_LT(broken, 2900);
}

}  // namespace
}  // namespace keel::test
