#include "asio/limited_log.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace keel {
namespace {

using namespace std::chrono_literals;

TEST(LimitedLog, SaysALineOfAKindOnceInTenSeconds) {
  std::vector<std::string> lines;
  LimitedLog log([&](TcpLogLevel, std::string_view line) { lines.emplace_back(line); });
  const Instant start{};
  for (int i = 0; i < 5; ++i)
    log.say(TcpLogLevel::info, "a", "one", start + i * 1s);
  log.say(TcpLogLevel::info, "b", "two", start + 5s);
  log.say(TcpLogLevel::info, "a", "three", start + 10s);
  log.say(TcpLogLevel::info, "a", "four", start + 25s);
  EXPECT_EQ(lines,
            (std::vector<std::string>{"one", "two", "three (4 more like this since the last such line)", "four"}));
}

// Kinds that strangers make up do not fill the memory.
TEST(LimitedLog, RemembersABoundedNumberOfKinds) {
  std::size_t lines = 0;
  LimitedLog log([&](TcpLogLevel, std::string_view) { ++lines; });
  for (int i = 0; i < 2000; ++i)
    log.say(TcpLogLevel::info, std::to_string(i), "line", Instant{});
  log.say(TcpLogLevel::info, "0", "line", Instant{});
  EXPECT_EQ(lines, 2001u);  // forgotten, so said again
}

TEST(LimitedLog, StrangersDoNotWriteLinesOfTheirOwn) {
  std::string said;
  LimitedLog log([&](TcpLogLevel, std::string_view line) { said = line; });
  log.say(TcpLogLevel::info, "a", "cluster 'x\nall is well\x1b[2J\x7f' größer", Instant{});
  EXPECT_EQ(said, "cluster 'x?all is well?[2J?' größer");
}

TEST(LimitedLog, WithoutASinkSaysNothing) {
  LimitedLog log({});
  EXPECT_NO_THROW(log.say(TcpLogLevel::info, "a", "one", Instant{}));
}

}  // namespace
}  // namespace keel
