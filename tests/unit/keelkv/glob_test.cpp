#include "keelkv/data/glob.hpp"

#include "machine_fixture.hpp"

namespace keel {
namespace {

bool matches(std::string_view pattern, std::string_view text, LetterCase letters = LetterCase::ignored) {
  GlobSteps steps;
  return matches_glob(pattern, text, letters, steps);
}

TEST(Glob, MatchesAsRedisDoes) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("max*", "maxclients"));
  EXPECT_TRUE(matches("*ax*nts", "MAXclients"));
  EXPECT_TRUE(matches("h?llo", "hello"));
  EXPECT_TRUE(matches("h[a-f]llo", "hello"));
  EXPECT_TRUE(matches("h[^a-d]llo", "hello"));
  EXPECT_TRUE(matches("a\\*b", "a*b"));
  EXPECT_FALSE(matches("a\\*b", "axb"));
  EXPECT_FALSE(matches("h[^e]llo", "hello"));
  EXPECT_FALSE(matches("hello", "hell"));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_TRUE(matches("K[a-c]y", "Kay", LetterCase::matters));
  EXPECT_FALSE(matches("k[a-c]y", "Kay", LetterCase::matters));
  EXPECT_FALSE(matches("K[A-C]y", "Kay", LetterCase::matters));
  const std::string stars = std::string(1000, 'a');
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*b", stars));  // would take for ever if every star were tried
}

// A pattern that has to be tried at every place of the text, to its end each time.
const std::string slow_pattern = "*" + std::string(20'000, 'a') + "b";
const std::string slow_text(60'000, 'a');
// One character of it is compared with all of the class.
const std::string wide_class = "*[" + std::string(1'000'000, 'x') + "]";
const std::string spent_reply = "-" + std::string(GlobSteps::error);

TEST(GlobSteps, OncePassedNothingMatches) {
  for (const std::string& pattern : {slow_pattern, wide_class}) {
    GlobSteps steps;
    EXPECT_FALSE(matches_glob(pattern, slow_text, LetterCase::matters, steps));
    EXPECT_TRUE(steps.spent());
    steps.allow_for(slow_text);
    EXPECT_FALSE(matches_glob("*", slow_text, LetterCase::matters, steps));
    EXPECT_TRUE(steps.spent());
  }
}

TEST(GlobSteps, OrdinaryPatternsPayWithWhatEachTextBrings) {
  for (const std::string_view pattern : {"*", "user:*", "*:name", "*1*2*", "user:[0-9]*:name", "user:?????:*"}) {
    GlobSteps steps;
    for (int i = 0; i < 1'000'000; ++i) {
      static const std::string text = "user:12345:name";
      steps.allow_for(text);
      static_cast<void>(matches_glob(pattern, text, LetterCase::matters, steps));
    }
    EXPECT_FALSE(steps.spent()) << pattern;
  }
}

TEST(GlobSteps, BoundWhatGoesThroughNames) {
  Machine machine;
  machine.run("set " + slow_text + " v");
  machine.run("sadd s " + slow_text);
  machine.run("hset h " + slow_text + " v");
  machine.run("zadd z 1 " + slow_text);
  machine.run("sadd many " + slow_text + " 1");
  for (const std::string& pattern : {slow_pattern, wide_class}) {
    EXPECT_EQ(machine.run("keys " + pattern), spent_reply);
    EXPECT_EQ(machine.run("scan 0 match " + pattern), spent_reply);
  }
  for (const std::string_view scan : {"sscan many 0", "hscan h 0", "zscan z 0"})
    EXPECT_EQ(machine.run(std::string(scan) + " match " + wide_class), spent_reply) << scan;
  EXPECT_EQ(machine.run("sscan s 0 match a*"), "[\"0\" [\"" + slow_text + "\"]]");
}

}  // namespace
}  // namespace keel
