#include "keelkv/resp/resp_parser.hpp"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using Requests = std::vector<std::vector<std::string>>;
using Status = RespParser::Status;

struct Outcome {
  Requests requests;
  std::string error;
};

// Feeds `input` in the pieces that end at `cuts`, as a connection does, each time into memory of its own, so that a view
// kept over from before would be seen by the sanitizers.
Outcome feed(std::string_view input, std::vector<std::size_t> cuts, const RespLimits& limits = {}) {
  cuts.push_back(input.size());
  RespParser parser(limits);
  Outcome outcome;
  std::size_t consumed = 0;
  for (const std::size_t cut : cuts) {
    const std::vector<char> buffer(input.begin() + static_cast<std::ptrdiff_t>(consumed),
                                   input.begin() + static_cast<std::ptrdiff_t>(cut));
    std::string_view readable(buffer.data(), buffer.size());
    while (true) {
      const Status status = parser.parse(readable);
      if (status == Status::broken) {
        outcome.error = parser.error();
        return outcome;
      }
      if (status == Status::incomplete) break;
      outcome.requests.emplace_back(parser.args().begin(), parser.args().end());
      consumed += parser.consumed();
      readable.remove_prefix(parser.consumed());
      parser.next();
    }
  }
  return outcome;
}

Outcome feed(std::string_view input, const RespLimits& limits = {}) { return feed(input, {}, limits); }

TEST(RespParser, ReadsAnArrayOfBulkStrings) {
  const Outcome outcome = feed("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nb\0\r\n"s);
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(outcome.requests, ElementsAre(ElementsAre("SET", "k", "a\r\nb\0"s)));
}

TEST(RespParser, ReadsInlineCommandsWithQuotes) {
  const Outcome outcome = feed("PING\r\n  set  key \"a b\\x41\\n\\\"\" 'it\\'s'\n");
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(outcome.requests, ElementsAre(ElementsAre("PING"), ElementsAre("set", "key", "a bA\n\"", "it's")));
}

TEST(RespParser, EmptyRequestsHaveNoArguments) {
  const Outcome outcome = feed("\r\n*0\r\n*-1\r\nPING\r\n");
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(outcome.requests, ElementsAre(ElementsAre(), ElementsAre(), ElementsAre(), ElementsAre("PING")));
}

TEST(RespParser, EverySplitOfPipelinedInputReadsTheSame) {
  const std::string input =
      "*3\r\n$3\r\nSET\r\n$4\r\nkey1\r\n$10\r\n0123456789\r\nPING 'x "
      "y'\r\n*1\r\n$4\r\nPING\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n";
  const Outcome whole = feed(input);
  ASSERT_EQ(whole.requests.size(), 5u);
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      const Outcome pieces = feed(input, std::vector<std::size_t>{first, second});
      ASSERT_EQ(pieces.error, "") << first << " " << second;
      ASSERT_EQ(pieces.requests, whole.requests) << first << " " << second;
    }
  }
}

TEST(RespParser, ByteByByteReadsTheSame) {
  const std::string input = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\nPING\r\n";
  std::vector<std::size_t> cuts(input.size());
  std::iota(cuts.begin(), cuts.end(), std::size_t{0});
  EXPECT_EQ(feed(input, cuts).requests, feed(input).requests);
}

struct Broken {
  std::string input;
  std::string error;
};
class RespParserBroken : public testing::TestWithParam<Broken> {};

// In Redis's words, and the same however the bytes are cut.
TEST_P(RespParserBroken, IsNamed) {
  const auto& [input, error] = GetParam();
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const Outcome outcome = feed(input, std::vector<std::size_t>{cut});
    ASSERT_EQ(outcome.error, error) << "cut at " << cut;
    ASSERT_TRUE(outcome.requests.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, RespParserBroken,
    testing::Values(Broken{"*1x\r\n", "Protocol error: invalid multibulk length"},
                    Broken{"*1048577\r\n", "Protocol error: invalid multibulk length"},
                    Broken{"*99999999999999999999999\r\n", "Protocol error: invalid multibulk length"},
                    Broken{"*\r\n", "Protocol error: invalid multibulk length"},
                    Broken{"*1\rx", "Protocol error: invalid multibulk length"},
                    Broken{"*1\r\n:5\r\n", "Protocol error: expected '$', got ':'"},
                    Broken{"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"},
                    Broken{"*1\r\n$67108865\r\n", "Protocol error: invalid bulk length"},
                    Broken{"*1\r\n$9223372036854775807\r\n", "Protocol error: invalid bulk length"},
                    Broken{"*1\r\n$3 \r\nabc\r\n", "Protocol error: invalid bulk length"},
                    Broken{"*1\r\n$3\r\nabcd\r\n", "Protocol error: expected a line end behind a bulk string"},
                    Broken{"get 'abc\r\n", "Protocol error: unbalanced quotes in request"},
                    Broken{"get \"abc\"d\r\n", "Protocol error: unbalanced quotes in request"}));

TEST(RespParser, BoundsRequestAndInlineSizes) {
  const RespLimits limits{.max_bulk_bytes = 100, .max_request_bytes = 150, .max_inline_bytes = 32};
  const std::string bulk = "$100\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(feed("*1\r\n" + bulk, limits).error, "");
  EXPECT_EQ(feed("*2\r\n" + bulk + bulk, limits).error, "Protocol error: request larger than 150 bytes");
  EXPECT_EQ(feed(std::string(32, 'x') + "\n", limits).error, "");
  EXPECT_EQ(feed(std::string(33, 'x') + "\n", limits).error, "Protocol error: too big inline request");
  EXPECT_EQ(feed(std::string(33, 'x'), limits).error, "Protocol error: too big inline request");
}

TEST(RespParser, StaysBrokenUntilTheRequestIsForgotten) {
  RespParser parser({});
  EXPECT_EQ(parser.parse("*x\r\n"), Status::broken);
  EXPECT_EQ(parser.parse("*1\r\n$4\r\nPING\r\n"), Status::broken);
}

}  // namespace
}  // namespace keel
