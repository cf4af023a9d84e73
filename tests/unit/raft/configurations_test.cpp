#include "keel/raft/configurations.hpp"

#include <gtest/gtest.h>

#include "keel/raft/random.hpp"

namespace keel::test {
namespace {

Entry genesis_entry() {
  return {Index(1), Term(1), EntryKind::genesis, encode(make_genesis("test", {{.id = NodeId(1)}}))};
}
// Told apart by its only voter.
Entry configuration_entry(Index index, std::uint64_t voter) {
  return {index, Term(1), EntryKind::configuration, encode(Configuration{.members = {{.id = NodeId(voter)}}})};
}
std::uint64_t voter_of(const Configurations& all) { return all.current()->members.front().id.value(); }

Configurations recovered(std::vector<Entry> entries, LogBase base = {}) {
  auto all = Configurations::recover({.hard_state = {},
                                      .base = std::move(base),
                                      .terms = {},
                                      .configurations = std::move(entries),
                                      .last = Index(1000),
                                      .untrusted = {},
                                      .acknowledged = {}});
  if (!all) throw std::runtime_error(all.error().message);
  return std::move(*all);
}

// hazard: H27  mission: 4y.2  scenario: M-08
TEST(Configurations, AreAFunctionOfTheLog) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Configurations all = recovered({genesis_entry()});
    std::vector<std::pair<Index, std::uint64_t>> log = {{Index(1), 1}};  // what is in the log: index, voter
    Index last(1);
    Index committed;
    for (std::uint64_t step = 2; step < 60; ++step) {
      const auto dice = random.below(10);
      if (dice < 6) {
        last += 1 + random.below(3);
        ASSERT_TRUE(all.append(configuration_entry(last, step)));
        log.emplace_back(last, step);
      } else if (dice < 8 && last > std::max(committed, Index(1))) {
        const Index from = std::max(committed, Index(1)) + 1 + random.below(last - std::max(committed, Index(1)));
        const std::size_t before = log.size();
        std::erase_if(log, [&](const auto& one) { return one.first >= from; });
        EXPECT_EQ(all.truncate_from(from), log.size() < before);
        last = from.previous();
      } else {
        committed = std::max(committed, Index(random.below(last.value() + 1)));
        all.committed(committed);
      }
      ASSERT_EQ(voter_of(all), log.back().second) << "seed " << seed << ", step " << step;
      ASSERT_EQ(all.current_index(), log.back().first);
      ASSERT_TRUE(all.cluster().is_voter(NodeId(log.back().second)));
    }
  }
}

// hazard: H27
TEST(Configurations, ARestartFindsThoseInTheSnapshotAndBehindIt) {
  const auto in_snapshot = std::make_shared<const Configuration>(Configuration{.members = {{.id = NodeId(5)}}});
  const auto genesis = std::make_shared<const Genesis>(make_genesis("test", {{.id = NodeId(1)}}));
  const LogBase base{{Term(2), Index(10)}, genesis, in_snapshot};
  EXPECT_EQ(voter_of(recovered({}, base)), 5u);
  Configurations all = recovered({configuration_entry(Index(12), 6), configuration_entry(Index(15), 7)}, base);
  EXPECT_EQ(voter_of(all), 7u);
  EXPECT_EQ(all.genesis()->cluster_name, "test");
  EXPECT_TRUE(all.truncate_from(Index(13)));
  EXPECT_EQ(voter_of(all), 6u);
  EXPECT_TRUE(all.truncate_from(Index(11)));
  EXPECT_EQ(voter_of(all), 5u);
  EXPECT_FALSE(all.truncate_from(Index(11)));
}

TEST(Configurations, AnEntryThatCannotBeReadChangesNothing) {
  Configurations all = recovered({genesis_entry()});
  Entry bad = configuration_entry(Index(2), 2);
  bad.payload = Payload::copy_of({});
  const auto taken = all.append(bad);
  ASSERT_FALSE(taken);
  EXPECT_EQ(voter_of(all), 1u);
  EXPECT_EQ(all.current_index(), Index(1));
}

}  // namespace
}  // namespace keel::test
