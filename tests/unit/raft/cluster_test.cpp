#include "keel/raft/cluster.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "keel/raft/random.hpp"

namespace keel::test {
namespace {

// The slow definitions, straight from the thesis: a quorum is a majority of the voters, of each half while joint.
struct Slow {
  std::vector<NodeId> incoming;
  std::vector<NodeId> outgoing;
  std::vector<NodeId> members;
  bool joint = false;

  explicit Slow(const Configuration& from) : joint(from.joint) {
    const auto votes = [](MemberRole role) { return role == MemberRole::voter || role == MemberRole::witness; };
    for (const Member& member : from.members) {
      if (votes(member.role)) incoming.push_back(member.id);
      if (joint && votes(member.old_role)) outgoing.push_back(member.id);
      const bool in_old = joint && member.old_role != MemberRole::none;
      if (member.role != MemberRole::none || in_old) members.push_back(member.id);
    }
  }
  [[nodiscard]] bool quorum(unsigned set) const {
    const auto majority = [&](const std::vector<NodeId>& half) {
      std::size_t in = 0;
      for (const NodeId id : half)
        in += (set >> id.value()) & 1U;
      return 2 * in > half.size();
    };
    return majority(incoming) && (!joint || majority(outgoing));
  }
};

bool in(unsigned set, NodeId id) { return ((set >> id.value()) & 1U) != 0; }

// Every valid configuration of so many members, in every mix of roles, joint or not.
void for_every_configuration(std::uint64_t size, const std::function<void(const Configuration&)>& visit) {
  const std::uint64_t plain = 1ULL << (2 * size);
  for (std::uint64_t roles = 0; roles < plain; ++roles) {
    for (std::uint64_t old = 0; old <= plain; ++old) {  // the last one: not joint
      Configuration made{.members = {}, .joint = old != plain};
      for (std::uint64_t i = 0; i < size; ++i) {
        made.members.push_back({.id = NodeId(i + 1),
                                .role = static_cast<MemberRole>((roles >> (2 * i)) & 3U),
                                .old_role = static_cast<MemberRole>((old >> (2 * i)) & 3U)});
      }
      if (validate(made)) visit(made);
    }
  }
}
constexpr std::uint64_t largest = 3;

// hazard: H8 H35  mission: 4y
TEST(Cluster, AQuorumIsAMajorityOfEachHalf) {
  for (std::uint64_t size = 1; size <= largest; ++size) {
    for_every_configuration(size, [&](const Configuration& configuration) {
      const Cluster fast(configuration);
      const Slow slow(configuration);
      for (unsigned set = 0; set < 2U << size; set += 2) {
        ASSERT_EQ(fast.is_quorum([&](NodeId id) { return in(set, id); }), slow.quorum(set));
      }
    });
  }
}

// hazard: H8 H35
TEST(Cluster, AQuorumsValueIsTheGreatestThatAQuorumHasReached) {
  for_every_configuration(largest, [&](const Configuration& configuration) {
    const Cluster fast(configuration);
    const Slow slow(configuration);
    for (unsigned values = 0; values < 1U << (2 * largest); ++values) {
      const auto value = [&](NodeId id) { return Index((values >> (2 * (id.value() - 1))) & 3U); };
      Index greatest;
      for (Index candidate(0); candidate <= Index(3); ++candidate) {
        unsigned reached = 0;
        for (std::uint64_t id = 1; id <= largest; ++id)
          reached |= unsigned{value(NodeId(id)) >= candidate} << id;
        if (slow.quorum(reached)) greatest = candidate;
      }
      ASSERT_EQ(fast.quorum_value(value), greatest);
    }
  });
}

// Won: whatever the others say. Lost: whatever they say. Pending: it depends.
TEST(Cluster, AnElectionIsOpenAsLongAsTheMissingVotesDecide) {
  for_every_configuration(largest, [&](const Configuration& configuration) {
    const Cluster fast(configuration);
    const Slow slow(configuration);
    for (unsigned yes = 0; yes < 2U << largest; yes += 2) {
      for (unsigned no = 0; no < 2U << largest; no += 2) {
        if ((yes & no) != 0) continue;
        const unsigned silent = (2U << largest) - 2 - yes - no;
        bool always = true;
        bool ever = false;
        for (unsigned more = silent;; more = (more - 1) & silent) {
          const bool wins = slow.quorum(yes | more);
          always = always && wins;
          ever = ever || wins;
          if (more == 0) break;
        }
        const Tally tally = fast.tally([&](NodeId id) -> std::optional<bool> {
          if (!in(yes | no, id)) return std::nullopt;
          return in(yes, id);
        });
        ASSERT_EQ(tally, always ? Tally::won : ever ? Tally::pending : Tally::lost);
      }
    }
  });
}

// mission: 1.9  Whom each voter has chosen is known of some: can any choice of the others still elect somebody?
bool somebody_wins(const Slow& slow, std::vector<NodeId> chosen, std::size_t from) {
  while (from < chosen.size() && chosen[from] != nobody)
    ++from;
  for (const NodeId candidate : slow.members) {
    if (from < chosen.size()) {
      chosen[from] = candidate;
      if (somebody_wins(slow, chosen, from + 1)) return true;
      continue;
    }
    unsigned votes = 0;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      votes |= unsigned{chosen[i] == candidate} << (i + 1);
    if (slow.quorum(votes)) return true;
  }
  return false;
}
TEST(Cluster, AVoteIsSplitWhenNoChoiceOfTheOthersElectsAnybody) {
  for_every_configuration(largest, [&](const Configuration& configuration) {
    const Cluster fast(configuration);
    const Slow slow(configuration);
    for (unsigned choices = 0; choices < 1U << (2 * largest); ++choices) {
      std::vector<NodeId> chosen;
      for (std::uint64_t i = 0; i < largest; ++i)
        chosen.emplace_back((choices >> (2 * i)) & 3U);
      const bool can = fast.someone_can_win([&](NodeId id) { return chosen[id.value() - 1]; });
      ASSERT_EQ(can, somebody_wins(slow, chosen, 0));
    }
  });
}

// hazard: H8  Larger ones at random, up to the limit: two kinds of buffer lie below.
TEST(Cluster, FastEqualsSlowInLargeConfigurationsToo) {
  Random random(8);
  for (int round = 0; round < 300; ++round) {
    Configuration made{.members = {}, .joint = random.below(2) == 0};
    const std::uint64_t size = 1 + random.below(max_members);
    for (std::uint64_t id = 1; id <= size; ++id) {
      made.members.push_back({.id = NodeId(id),
                              .role = static_cast<MemberRole>(random.below(4)),
                              .old_role = static_cast<MemberRole>(random.below(4))});
    }
    if (!validate(made)) continue;
    const Cluster cluster(made);
    std::vector<Index> values(size + 1);
    for (Index& value : values)
      value = Index(random.below(100));
    const Index fast = cluster.quorum_value([&](NodeId id) { return values[id.value()]; });
    EXPECT_TRUE(cluster.is_quorum([&](NodeId id) { return values[id.value()] >= fast; }));
    EXPECT_FALSE(cluster.is_quorum([&](NodeId id) { return values[id.value()] > fast; }));
  }
}

// mission: 4y.3
TEST(Cluster, WhoVotesWhoLeadsAndWhoIsThere) {
  const Configuration configuration{
      .members = {{.id = NodeId(1), .role = MemberRole::voter, .old_role = MemberRole::voter},
                  {.id = NodeId(2), .role = MemberRole::none, .old_role = MemberRole::voter},
                  {.id = NodeId(3), .role = MemberRole::learner},
                  {.id = NodeId(4), .role = MemberRole::witness, .old_role = MemberRole::voter},
                  {.id = NodeId(5), .role = MemberRole::voter, .old_role = MemberRole::learner}},
      .joint = true};
  const Cluster joint(configuration);
  Configuration after = configuration;
  after.joint = false;
  const Cluster left(after);
  struct Expected {
    std::uint64_t id;
    bool votes, leads, member, votes_after, leads_after, member_after;
  };
  for (const Expected& is :
       {Expected{1, true, true, true, true, true, true}, Expected{2, true, true, true, false, false, false},
        Expected{3, false, false, true, false, false, true}, Expected{4, true, false, true, true, false, true},
        Expected{5, true, true, true, true, true, true}, Expected{6, false, false, false, false, false, false}}) {
    const NodeId id(is.id);
    EXPECT_EQ(joint.is_voter(id), is.votes) << is.id;
    EXPECT_EQ(joint.can_lead(id), is.leads) << is.id;
    EXPECT_EQ(joint.is_member(id), is.member) << is.id;
    EXPECT_EQ(left.is_voter(id), is.votes_after) << is.id;
    EXPECT_EQ(left.can_lead(id), is.leads_after) << is.id;
    EXPECT_EQ(left.is_member(id), is.member_after) << is.id;
  }
}

}  // namespace
}  // namespace keel::test
