#include "keelkv/server/outcome.hpp"

#include <fstream>
#include <set>

#include <gmock/gmock.h>

namespace keel {
namespace {

using testing::HasSubstr;
using testing::Not;

// Up to the last one; to_string knows them all.
std::vector<ErrorCode> every_code() {
  std::vector<ErrorCode> codes;
  for (int number = 0; number <= static_cast<int>(ErrorCode::failed); ++number)
    codes.push_back(static_cast<ErrorCode>(number));
  return codes;
}

std::string word_of(const std::string& error) { return error.substr(0, error.find(' ')); }

// The row of the documentation's table that tells of this word.
std::string row_of(const std::string& word) {
  std::ifstream file(KEEL_SOURCE_DIR "/docs/keelkv.md");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `" + word + "`")) return line;
  }
  return {};
}

TEST(Outcome, ErrorCodesEndWhereTheTestsThinkTheyDo) {
  EXPECT_NE(to_string(ErrorCode::failed), "unknown");
  EXPECT_EQ(to_string(static_cast<ErrorCode>(static_cast<int>(ErrorCode::failed) + 1)), "unknown");
}

// A client must never take for written, or for not written, what is not known; and may try again what was not.
TEST(Outcome, TheFirstWordOfAWritesErrorTellsItsClass) {
  const std::set<std::string> not_written = {"CLUSTERDOWN", "TRYAGAIN", "BUSY", "ERR"};
  for (const ErrorCode code : every_code()) {
    SCOPED_TRACE(to_string(code));
    const std::string error = write_failure({code, "why"});
    if (outcome_of(code) == Outcome::unknown) {
      EXPECT_EQ(word_of(error), "TIMEOUT");
      EXPECT_THAT(error, HasSubstr("may or may not have been applied"));
      EXPECT_THAT(error, HasSubstr(std::string(to_string(code))));
    } else {
      EXPECT_TRUE(not_written.contains(word_of(error))) << error;
      EXPECT_THAT(error, testing::AnyOf(HasSubstr("nothing was written"), HasSubstr("never apply")));
    }
  }
}

TEST(Outcome, TheClassOfEachCodeThatACommandEndsWithIsDocumentedInItsWordsRow) {
  for (const ErrorCode code :
       {ErrorCode::not_leader, ErrorCode::no_leader, ErrorCode::overloaded, ErrorCode::too_large, ErrorCode::wrong_term,
        ErrorCode::stopping, ErrorCode::invalid, ErrorCode::discarded, ErrorCode::timed_out, ErrorCode::leadership_lost,
        ErrorCode::storage_failed, ErrorCode::failed}) {
    const std::string word = word_of(write_failure({code, "why"}));
    EXPECT_THAT(row_of(word), HasSubstr("`" + std::string(to_string(code)) + "`")) << word;
  }
}

// A read changes nothing, so that its failure is never in doubt.
TEST(Outcome, AReadsErrorIsAlwaysSafeToTryAgain) {
  const std::set<std::string> again = {"CLUSTERDOWN", "TRYAGAIN", "BUSY"};
  for (const ErrorCode code : every_code()) {
    const std::string error = read_failure({code, "why"});
    EXPECT_TRUE(again.contains(word_of(error))) << error;
    EXPECT_THAT(error, Not(HasSubstr("written")));
  }
}

}  // namespace
}  // namespace keel
