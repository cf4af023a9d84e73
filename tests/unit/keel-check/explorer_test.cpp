#include "keel-check/explorer.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel-check/scenario.hpp"

namespace keel::check {
namespace {

using testing::HasSubstr;

Outcome explore(Bounds bounds) {
  bounds.memory = std::uint64_t{256} << 20;
  Explorer explorer(bounds);
  return explorer.run();
}

// elections, heartbeats, quorum_checks, stalls, transfers, step_downs, unreachables, reads, commands, losses,
// duplicates, crashes
using Budgets = std::array<unsigned, budget_kinds>;

// Hand-countable: one node with one election. It waits; it has voted for itself; that is durable and it leads, its
// term-start entry under way; that is durable, committed and applied.
TEST(Explorer, OneNodeHasAsManyStatesAsOneCanCount) {
  const Outcome outcome = explore({.nodes = 1, .terms = 1, .budgets = Budgets{1}});
  EXPECT_EQ(outcome.ending, Ending::finished);
  EXPECT_EQ(outcome.progress.states, 4u);
  EXPECT_EQ(outcome.progress.steps, 3u);
  EXPECT_EQ(outcome.progress.depth, 3u);
}

// What makes it right to look at one of them only: nodes that differ in times and counters alone do the same for ever.
TEST(Explorer, NodesThatCountAsOneDoTheSame) {
  for (const bool switches : {true, false}) {
    const Outcome outcome = explore({.nodes = 2,
                                     .terms = 1,
                                     .inflight = 2,
                                     .budgets = {2, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1},
                                     .pre_vote = switches,
                                     .check_quorum = true,
                                     .eager_commit = switches,
                                     .audit = true});
    EXPECT_EQ(outcome.ending, Ending::finished) << outcome.violation;
    EXPECT_GT(outcome.audited, 1'000u);
    RecordProperty("audited", std::to_string(outcome.audited));
  }
}

TEST(Explorer, NodesThatReadAndCountAsOneDoTheSame) {
  for (const bool switches : {true, false}) {
    const Outcome outcome = explore({.nodes = 2,
                                     .terms = 1,
                                     .inflight = 2,
                                     .budgets = {2, 1, 1, 0, 0, 1, 1, 2, 0, 0, 0, 1},
                                     .pre_vote = switches,
                                     .check_quorum = true,
                                     .eager_commit = switches,
                                     .audit = true});
    EXPECT_EQ(outcome.ending, Ending::finished) << outcome.violation;
    EXPECT_GT(outcome.audited, 1'000u);
    RecordProperty("audited", std::to_string(outcome.audited));
  }
}

// With 12 bits of identity some nodes count as one that are not, and the audit says so.
TEST(Explorer, NodesThatCountAsOneAndAreNotAreNoticed) {
  const Bounds bounds{.nodes = 2, .terms = 2, .inflight = 2, .planted = Planted::weak_identity, .audit = true};
  try {
    (void)explore(bounds);
    FAIL() << "nobody noticed";
  } catch (const InvariantBroken& noticed) {
    EXPECT_THAT(noticed.what(), HasSubstr("two nodes that count as one"));
  }
}

// With 12 bits of a state's hash most states are taken for others, and the count below shows it.
TEST(Explorer, StatesThatAreTakenForOthersAreMissedInTheCount) {
  Bounds bounds{.nodes = 2, .terms = 1, .inflight = 2};
  bounds.planted = Planted::weak_hash;
  EXPECT_LT(explore(bounds).progress.states, 3500u) << "of 4142";
}

struct Counted {
  Bounds bounds;
  std::size_t states;
  unsigned depth;
};

// A change of these numbers wants a reason: the protocol says more or less than before, or states are told apart
// otherwise.
TEST(Explorer, SmallBoundsFinishWithTheSameStatesEachTime) {
  const std::vector<Counted> all = {
      {{.nodes = 2, .terms = 1, .inflight = 2, .budgets = {3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}}, 4142, 23},
      {{.nodes = 2, .terms = 2, .inflight = 2, .budgets = {2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}}, 118918, 33},
      {{.nodes = 2, .terms = 2, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1}, .pre_vote = false},
       170928,
       37},
      {{.nodes = 2, .terms = 2, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 1, 1, 2, 1, 0, 0, 0}, .pre_vote = false},
       530883,
       38},
      {{.nodes = 3, .terms = 1, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1}, .pre_vote = false},
       46773,
       29},
      {{.nodes = 3, .learners = 1, .terms = 2, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 0, 0, 0, 1}}, 5615, 30},
      {{.nodes = 2, .terms = 2, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1}}, 32562, 39},
      {{.nodes = 2, .terms = 2, .inflight = 2, .budgets = {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}}, 5199, 25},
  };
  for (const Counted& counted : all) {
    const Outcome outcome = explore(counted.bounds);
    EXPECT_EQ(outcome.ending, Ending::finished) << outcome.violation;
    EXPECT_EQ(outcome.progress.states, counted.states) << flags_of(counted.bounds);
    EXPECT_EQ(outcome.progress.depth, counted.depth) << flags_of(counted.bounds);
    EXPECT_EQ(outcome.progress.waiting, 0u);
  }
}

std::string the_tests_of_raft() {
  std::ifstream file(KEEL_SOURCE_DIR "/tests/unit/raft/found_test.cpp");
  return {std::istreambuf_iterator<char>(file), {}};
}
// Without what a formatter changes.
std::string bare(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '"' || c == '/'; });
  return text;
}

Bounds planted(Planted bug, unsigned nodes, const Budgets& budgets) {
  return {.nodes = nodes,
          .terms = 2,
          .inflight = 3,
          .budgets = budgets,
          .pre_vote = false,
          .check_quorum = false,
          .planted = bug};
}

// hazard: H12  A voter that forgets its vote elects two in one term.
TEST(Explorer, AForgottenVoteIsFoundAsTheShortestScenario) {
  const Bounds bounds = planted(Planted::forgotten_vote, 3, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_EQ(outcome.violation, "node 1 and node 3 lead in term 2");
  EXPECT_EQ(outcome.scenario.size(), 15u) << describe_steps(outcome);
  EXPECT_EQ(outcome.progress.depth, 14u) << "what it was found from";

  const std::string test = as_test(bounds, outcome, "AVoteThatIsForgottenInACrash");
  EXPECT_THAT(bare(the_tests_of_raft()), HasSubstr(bare(test))) << "what is printed is what compiles there:\n" << test;
}

// hazard: H43
TEST(Explorer, AnAcknowledgementBeforeTheWriteIsFound) {
  const Bounds bounds = planted(Planted::early_acknowledgement, 3, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_EQ(outcome.violation, "node 1 commits index 2 of term 2, which is not durable on a quorum");
  EXPECT_EQ(outcome.scenario.size(), 7u) << describe_steps(outcome);
  EXPECT_THAT(describe_steps(outcome), HasSubstr("  2. Vote? 1→2 t2 last 1@1 arrives\n"
                                                 "       sends Vote+ 2→1 t2\n"
                                                 "       then node 2 follower t2 voted 1 log 1 stable 1 commit 0\n"));
}

TEST(Explorer, AForgedMessageIsFound) {
  const Bounds bounds = planted(Planted::forged_acknowledgement, 3, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_EQ(outcome.violation, "node 2 reports MessageRejected Heartbeat from node 3: malformed");
  EXPECT_EQ(outcome.scenario.size(), 28u) << describe_steps(outcome);
}

// hazard: H51  A store that lost its tail and says so costs time; one that does not notice costs what was committed.
TEST(Explorer, ATailThatIsLostUnnoticedIsFound) {
  Bounds bounds = planted(Planted::silent_loss, 3, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  bounds.inflight = 2;
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_EQ(outcome.violation, "node 1 commits index 2 of term 2, which is not durable on a quorum");
  EXPECT_THAT(describe_steps(outcome), HasSubstr("starts again without its last entry"));
  EXPECT_THAT(as_test(bounds, outcome), HasSubstr("group.crash_without_the_last_entry("));
  bounds.planted = Planted::nothing;
  EXPECT_EQ(explore(bounds).ending, Ending::finished);
}

TEST(Explorer, LearnersAreInTheTestThatIsPrinted) {
  Bounds bounds = planted(Planted::early_acknowledgement, 3, {1});
  bounds.learners = 1;
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_THAT(as_test(bounds, outcome),
              HasSubstr("Group group(make_genesis(\"test\", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3), "
                        ".role = MemberRole::learner}}), "));
}

// hazard: H34
TEST(Explorer, AReadThatMissesACommitIsFound) {
  const Bounds bounds = planted(Planted::old_read_index, 2, {1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  const Outcome outcome = explore(bounds);
  ASSERT_EQ(outcome.ending, Ending::violated);
  EXPECT_EQ(outcome.violation,
            "node 1 confirms read 1 with index 1, but index 2 was committed before it was asked for");
  EXPECT_THAT(as_test(bounds, outcome), HasSubstr("group.ask_read(1, 1);"));
}

TEST(Explorer, FullMemoryEndsByName) {
  Bounds bounds{.nodes = 3, .memory = least_memory};
  Explorer seen(bounds);
  const Outcome outcome = seen.run();
  EXPECT_EQ(outcome.ending, Ending::memory_full);
  EXPECT_FALSE(outcome.full.empty());
  EXPECT_LE(outcome.progress.states, outcome.capacity);
  EXPECT_EQ(outcome.capacity, Visited::capacity_for(least_memory / 100 * 60));
}

TEST(Explorer, TimeThatIsOverEndsByName) {
  Explorer explorer({.nodes = 3, .terms = 3, .memory = std::uint64_t{256} << 20, .seconds = 1e-9});
  EXPECT_EQ(explorer.run().ending, Ending::out_of_time);
}

TEST(Explorer, TellsHowLikelyItOverlookedAState) {
  Outcome outcome;
  outcome.progress.states = std::size_t{1} << 32;
  EXPECT_DOUBLE_EQ(outcome.miss(), 0.5);
  outcome.progress.states = std::size_t{1} << 22;
  EXPECT_DOUBLE_EQ(outcome.miss(), 0x1p-21);
}

}  // namespace
}  // namespace keel::check
