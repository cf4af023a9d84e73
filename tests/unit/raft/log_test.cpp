#include "keel/raft/log.hpp"

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"
#include "keel/raft/random.hpp"

namespace keel::test {
namespace {

// Every entry with its term, and nothing clever.
struct Slow {
  LogPosition base;
  std::vector<Term> terms;

  [[nodiscard]] Index last() const { return base.index + terms.size(); }
  [[nodiscard]] std::optional<Term> term_at(Index index) const {
    if (index == base.index) return base.term;
    if (index < base.index || index > last()) return std::nullopt;
    return terms[index - base.index - 1];
  }
  [[nodiscard]] LogPosition last_not_above(Index from, Term term) const {
    for (Index index = std::min(from, last()); index > base.index; index = index.previous()) {
      if (*term_at(index) <= term) return {*term_at(index), index};
    }
    return base;
  }
};

Entry entry(Index index, Term term, std::size_t size) {
  return {index, term, EntryKind::command, Payload::with_size(size)};
}

void expect_same(const Log& log, const Slow& slow) {
  ASSERT_EQ(log.last().index, slow.last());
  ASSERT_EQ(log.last().term, *slow.term_at(slow.last()));
  for (Index index(0); index <= slow.last() + 2; ++index) {
    ASSERT_EQ(log.term_at(index), slow.term_at(index)) << index.value();
    for (Term term(0); term <= log.last().term + 1; ++term) {
      ASSERT_EQ(log.last_not_above(index, term), slow.last_not_above(index, term)) << index.value();
    }
  }
}

// What is in memory is the log's end; a span begins where asked, has one entry at least and keeps to its limits.
void expect_cached(const Log& log, const Slow& slow, Random& random) {
  std::size_t bytes = 0;
  for (Index index = log.cache_first(); index <= log.last().index; ++index) {
    const auto one = log.cached({index, index}, 0, 1);
    ASSERT_EQ(one.size(), 1u);
    ASSERT_EQ(one.front().index, index);
    ASSERT_EQ(one.front().term, *slow.term_at(index));
    bytes += Log::cost(one.front());
  }
  ASSERT_EQ(log.cache_bytes(), bytes);
  ASSERT_GE(log.cache_first(), log.first());
  const Index first(random.below(slow.last().value() + 2));
  const Index last(random.below(slow.last().value() + 2));
  const std::size_t max_bytes = random.below(400);
  const std::size_t max_entries = 1 + random.below(5);
  const auto some = log.cached({first, last}, max_bytes, max_entries);
  ASSERT_EQ(some.empty(), first < log.cache_first() || first > std::min(last, slow.last()));
  if (some.empty()) return;
  ASSERT_LE(some.size(), max_entries);
  ASSERT_LE(some.back().index, last);
  std::size_t cost = 0;
  for (std::size_t i = 0; i < some.size(); ++i) {
    ASSERT_EQ(some[i].index, first + i);
    cost += Log::cost(some[i]);
  }
  ASSERT_TRUE(some.size() == 1 || cost <= max_bytes);
}

TEST(Log, DoesWhatASlowOneDoes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Slow slow{.base = {Term(random.below(2)), Index(random.below(2) * 7)}, .terms = {}};
    Recovered found;
    found.base.position = slow.base;
    found.last = slow.base.index;
    Log log(found);
    Term term(1);
    for (int step = 0; step < 60; ++step) {
      const auto dice = random.below(10);
      if (dice < 6) {
        term += random.below(3) == 0 ? 1 + random.below(2) : 0;
        log.append(entry(log.last().index.next(), term, random.below(60)));
        slow.terms.push_back(term);
      } else if (dice < 8 && !slow.terms.empty()) {
        const Index from = slow.base.index + 1 + random.below(slow.terms.size());
        const Index stable = log.stable();
        log.truncate_from(from);
        slow.terms.resize(from - slow.base.index - 1);
        ASSERT_EQ(log.stable(), std::min(stable, from.previous()));
      } else {
        const Index up_to(random.below(log.last().index.value() + 1));
        const std::size_t limit = random.below(600);
        log.evict(up_to, limit);
        ASSERT_TRUE(log.cache_bytes() <= limit || log.cache_first() > up_to);
      }
      expect_same(log, slow);
      expect_cached(log, slow, random);
    }
  }
}

TEST(Log, KnowsTheTermsOfEntriesThatItNeverSaw) {
  Recovered found;
  found.base.position = {Term(2), Index(10)};
  found.terms = {{Index(11), Term(2)}, {Index(14), Term(5)}};
  found.last = Index(20);
  const Log log(found);
  const Slow slow{{Term(2), Index(10)},
                  {Term(2), Term(2), Term(2), Term(5), Term(5), Term(5), Term(5), Term(5), Term(5), Term(5)}};
  expect_same(log, slow);
  EXPECT_EQ(log.stable(), Index(20));
  EXPECT_EQ(log.cache_first(), Index(21));
  EXPECT_TRUE(log.cached({Index(11), Index(20)}, 1000, 1000).empty());
}

// hazard: H5  What the caller holds to be durable never outlives a truncation, nor goes back without one.
TEST(Log, StableOnlyGrowsButForATruncation) {
  Log log;
  for (std::uint64_t i = 1; i <= 5; ++i)
    log.append(entry(Index(i), Term(1), 0));
  log.set_stable(Index(4));
  log.set_stable(Index(2));
  EXPECT_EQ(log.stable(), Index(4));
  log.set_stable(Index(9));
  EXPECT_EQ(log.stable(), Index(5));
  log.truncate_from(Index(3));
  EXPECT_EQ(log.stable(), Index(2));
}

TEST(Log, RefusesWhatCanNeverBe) {
  Log log;
  log.append(entry(Index(1), Term(2), 0));
  EXPECT_THROW(log.append(entry(Index(3), Term(2), 0)), InvariantBroken) << "a gap";
  EXPECT_THROW(log.append(entry(Index(2), Term(1), 0)), InvariantBroken) << "a term that goes back";
  EXPECT_THROW(log.truncate_from(Index(2)), InvariantBroken) << "behind the end";
  EXPECT_THROW(log.truncate_from(Index(0)), InvariantBroken) << "at the base";
}

}  // namespace
}  // namespace keel::test
