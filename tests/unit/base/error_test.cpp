#include "keel/base/error.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"

namespace keel::test {
namespace {

constexpr int codes = static_cast<int>(ErrorCode::failed) + 1;

TEST(ErrorCodes, EachHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int i = 0; i < codes; ++i)
    names.push_back(to_string(static_cast<ErrorCode>(i)));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_FALSE(std::ranges::binary_search(names, "unknown"));
  EXPECT_EQ(to_string(static_cast<ErrorCode>(codes)), "unknown") << "a code is missing above";
}

// mission: 3 R4  Each outcome of a command is in one class; what is not known to be safe counts as unknown.
TEST(ErrorCodes, EachOutcomeIsInOneClass) {
  const std::vector<ErrorCode> not_appended = {ErrorCode::not_leader, ErrorCode::no_leader,  ErrorCode::overloaded,
                                               ErrorCode::too_large,  ErrorCode::wrong_term, ErrorCode::stopping,
                                               ErrorCode::invalid};
  for (int i = 0; i < codes; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    Outcome expected = Outcome::unknown;
    if (code == ErrorCode::discarded) expected = Outcome::discarded;
    if (std::ranges::find(not_appended, code) != not_appended.end()) expected = Outcome::not_appended;
    EXPECT_EQ(outcome_of(code), expected) << to_string(code);
  }
  EXPECT_EQ(to_string(Outcome::not_appended), "not_appended");
  EXPECT_EQ(to_string(Outcome::discarded), "discarded");
  EXPECT_EQ(to_string(Outcome::unknown), "unknown");
}

TEST(Assert, SaysWhatDoesNotHoldWhyAndWhere) {
  EXPECT_NO_THROW(KEEL_ASSERT(1 < 2, "numbers are ordered"));
  try {
    KEEL_ASSERT(2 < 1, "numbers are ordered");
    FAIL() << "it is on in every build";
  } catch (const InvariantBroken& broken) {
    const std::string said = broken.what();
    for (const char* part : {"error_test.cpp:", "numbers are ordered", "(2 < 1)"}) {
      EXPECT_NE(said.find(part), std::string::npos) << said;
    }
  }
}

}  // namespace
}  // namespace keel::test
