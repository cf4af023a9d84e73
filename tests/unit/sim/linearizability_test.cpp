#include <gtest/gtest.h>

#include "keel/sim/history.hpp"
#include "keel/sim/random.hpp"

namespace keel::sim {
namespace {

constexpr std::uint64_t budget = 1'000'000;

// Histories are written by hand as [called, returned] and what was seen.
RegisterOperation get(std::uint64_t called, std::uint64_t returned, std::string value) {
  return {{called, returned}, 1, RegisterCall::get, "x", "", "", std::move(value), {}};
}
RegisterOperation set(std::uint64_t called, std::uint64_t returned, std::string value) {
  return {{called, returned}, 2, RegisterCall::set, "x", std::move(value), "", "OK", {}};
}
RegisterOperation lost_set(std::uint64_t called, std::string value) {
  return {{called, Interval::open}, 3, RegisterCall::set, "x", std::move(value), "", std::nullopt, {}};
}
RegisterOperation append(std::uint64_t called, std::uint64_t returned, std::string more, std::string length) {
  return {{called, returned}, 4, RegisterCall::append, "x", std::move(more), "", std::move(length), {}};
}
RegisterOperation cas(std::uint64_t called, std::uint64_t returned, std::string from, std::string to, std::string did) {
  return {{called, returned}, 5, RegisterCall::compare_and_set, "x", std::move(to), std::move(from),
          std::move(did),     {}};
}
using History = std::vector<RegisterOperation>;

bool linearizable(const History& history) {
  const auto checked = check_linearizable(history, budget);
  if (!checked) {
    EXPECT_EQ(checked.error().code, ErrorCode::invalid) << checked.error().message;
  }
  return checked.has_value();
}

TEST(Linearizability, GoodHistories) {
  EXPECT_TRUE(linearizable({}));
  EXPECT_TRUE(linearizable({get(1, 2, "")}));
  EXPECT_TRUE(linearizable({set(1, 2, "a"), get(3, 4, "a")}));
  EXPECT_TRUE(linearizable({set(1, 10, "a"), get(2, 3, ""), get(4, 5, "a")})) << "a write takes effect in between";
  EXPECT_TRUE(linearizable({set(1, 10, "a"), set(2, 9, "b"), get(11, 12, "a")})) << "either order of two writes";
  EXPECT_TRUE(linearizable({set(1, 9, ""), set(2, 8, "a"), get(10, 11, "")}))
      << "a write of what is there, wanted later";
  EXPECT_TRUE(linearizable({append(1, 4, "ab", "3"), append(2, 3, "c", "1"), get(5, 6, "cab")}));
  EXPECT_TRUE(linearizable({set(1, 2, "a"), cas(3, 6, "a", "b", "1"), cas(4, 5, "a", "c", "0"), get(7, 8, "b")}));
}

TEST(Linearizability, BadHistories) {
  EXPECT_FALSE(linearizable({get(1, 2, "a")})) << "nobody wrote it";
  EXPECT_FALSE(linearizable({set(1, 2, "a"), get(3, 4, "")})) << "a stale read";
  EXPECT_FALSE(linearizable({set(1, 10, "a"), get(2, 3, "a"), get(4, 5, "")})) << "seen, then unseen";
  EXPECT_FALSE(linearizable({set(1, 2, "a"), set(3, 4, "b"), get(5, 6, "a")})) << "a lost update";
  EXPECT_FALSE(linearizable({append(1, 2, "a", "1"), append(3, 4, "a", "1")})) << "a lost append";
  EXPECT_FALSE(linearizable({append(1, 2, "a", "1"), get(3, 4, "aa")})) << "applied twice";
  EXPECT_FALSE(linearizable({set(1, 2, "a"), cas(3, 6, "a", "b", "1"), cas(4, 5, "a", "c", "1")})) << "both won";
  EXPECT_FALSE(linearizable({set(1, 2, "a"), cas(3, 4, "a", "b", "0")})) << "refused for no reason";
  const History crossed{set(1, 20, "a"), set(2, 19, "b"), get(3, 4, "a"), get(5, 6, "b"), get(7, 8, "a")};
  EXPECT_FALSE(linearizable(crossed)) << "back and forth";
}

TEST(Linearizability, AnOperationOfUnknownOutcomeStaysOpenToTheEnd) {
  EXPECT_TRUE(linearizable({lost_set(1, "a"), get(2, 3, ""), get(4, 5, "a")})) << "it took effect late";
  EXPECT_TRUE(linearizable({lost_set(1, "a"), get(2, 3, ""), get(400, 500, "")})) << "or never";
  EXPECT_TRUE(linearizable({lost_set(1, "a"), set(2, 3, "b"), get(4, 5, "b"), get(6, 7, "a")}));
  EXPECT_FALSE(linearizable({get(1, 2, "a"), lost_set(3, "a")})) << "not before it was called";
  EXPECT_FALSE(linearizable({lost_set(1, "a"), get(2, 3, "a"), get(4, 5, "")})) << "not undone";
  EXPECT_FALSE(linearizable({lost_set(1, "a"), set(2, 3, "b"), get(4, 5, "a"), get(6, 7, "b")})) << "not twice";
}

TEST(Linearizability, KeysAreJudgedApart) {
  RegisterOperation other = set(3, 4, "b");
  other.key = "y";
  EXPECT_TRUE(linearizable({set(1, 2, "a"), other, get(5, 6, "a")}));
}

TEST(Linearizability, AViolationNamesTheOperation) {
  const auto checked = check_linearizable({set(1, 2, "a"), set(3, 4, "b"), get(5, 6, "a")}, budget);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::invalid);
  EXPECT_NE(checked.error().message.find("> [5, 6] client 1 get -> a"), std::string::npos) << checked.error().message;
}

TEST(Linearizability, ABudgetTooSmallIsAFailureOfItsOwn) {
  History history;
  for (std::uint64_t i = 0; i < 20; ++i)
    history.push_back(set(1 + i, 100 + i, std::to_string(i)));
  history.push_back(get(200, 201, "none"));
  const auto checked = check_linearizable(history, 1000);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::overloaded);
}

History without_orders(History history) {
  for (RegisterOperation& operation : history)
    operation.order.reset();
  return history;
}

TEST(Linearizability, AnOrderThatIsKnownIsProvenNotTrusted) {
  History history{set(1, 2, "a"), get(3, 4, "a")};
  history[0].order = 7;
  history[1].order = 8;
  EXPECT_TRUE(linearizable(history));
  history[0].order = 9;
  EXPECT_TRUE(linearizable(history)) << "a wrong hint only costs a search";
  history[1].result = "b";
  EXPECT_FALSE(linearizable(history));
  History stale{set(1, 2, "a"), set(3, 4, "b"), get(5, 6, "a")};
  stale[0].order = 1;
  stale[2].order = 2;
  stale[1].order = 3;
  EXPECT_FALSE(linearizable(stale)) << "an order that contradicts real time";
}

// Histories made from a true register, each operation taking effect somewhere in its interval, are linearizable; with
// one value read exchanged they are not.
TEST(Linearizability, RandomHistoriesOfATrueRegister) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    History history;
    std::string value;
    std::uint64_t clock = 100;
    for (int i = 0; i < 60; ++i) {
      clock += 10;
      const std::uint64_t called = clock - random.below(9) * 2 - 1;
      const std::uint64_t returned = clock + random.below(9) * 2;
      const std::string next = std::to_string(i);
      switch (random.below(9)) {
        case 0: history.push_back(set(called, returned, value = next)); break;
        case 1:
        case 4:
          value += next;
          history.push_back(append(called, returned, next, std::to_string(value.size())));
          break;
        case 2:
        case 5: {
          const bool right = random.chance(0.5);
          history.push_back(cas(called, returned, right ? value : "no", next, right ? "1" : "0"));
          if (right) value = next;
          break;
        }
        case 3:
          if (random.chance(0.5)) value = next;  // it took effect, or it did not: nobody was told
          history.push_back(lost_set(called, next));
          break;
        default: history.push_back(get(called, returned, value));
      }
      history.back().interval.called = called * 1000 + static_cast<std::uint64_t>(i);
      if (history.back().result) history.back().interval.returned = returned * 1000 + static_cast<std::uint64_t>(i);
      const bool took_effect = history.back().result.has_value() || value == next;
      if (took_effect) history.back().order = clock;
    }
    ASSERT_TRUE(linearizable(history)) << "seed " << seed;
    ASSERT_TRUE(linearizable(without_orders(history))) << "seed " << seed;
    history.push_back(get(10'000'000, 10'000'001, value));
    ASSERT_TRUE(linearizable(history)) << "seed " << seed;
    history.back().result = value + "!";
    ASSERT_FALSE(linearizable(history)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace keel::sim
