#include "keelkv/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Flags = std::vector<const char*>;

std::expected<KvSettings, EarlyExit> parse(Flags flags) {
  flags.insert(flags.begin(), "keelkv");
  return parse_flags(static_cast<int>(flags.size()), flags.data());
}

Flags usual(Flags more = {}) {
  Flags flags = {"--id",     "2",         "--cluster", "2=b:7102,1=127.0.0.1:7101,3=[::1]:7103",
                 "--listen", "0.0.0.0:0", "--data",    "d"};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

// The refusal's one line.
std::string refusal(const Flags& flags) {
  const auto settings = parse(flags);
  if (settings) return "accepted";
  EXPECT_EQ(settings.error().status, 2);
  EXPECT_EQ(std::ranges::count(settings.error().text, '\n'), 1) << settings.error().text;
  return settings.error().text;
}

TEST(Settings, AreReadFromFlags) {
  const auto settings = parse(usual({"--name", "shop", "--election-timeout", "300ms", "--heartbeat=30ms",
                                     "--segment-size", "64kb", "--max-log-bytes", "1GB", "--log-level",
                                     "info,election=debug", "--log-level", "client=off", "--forget", "3,1"}));
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->id, NodeId(2));
  ASSERT_EQ(settings->cluster.size(), 3u);
  EXPECT_EQ(settings->cluster[0].address, "127.0.0.1:7101");
  EXPECT_EQ(settings->cluster[2].address, "[::1]:7103");
  EXPECT_EQ(to_string(settings->listen), "0.0.0.0:0");
  EXPECT_EQ(settings->forget, (std::vector{NodeId(3), NodeId(1)}));
  EXPECT_EQ(settings->name, "shop");
  EXPECT_EQ(settings->election_timeout, 300ms);
  EXPECT_EQ(settings->segment_size, 64u << 10);
  EXPECT_EQ(settings->max_log_bytes, 1u << 30);
  EXPECT_EQ(settings->log_level.of(LogSubject::election), spdlog::level::debug);
  EXPECT_EQ(settings->log_level.of(LogSubject::client), spdlog::level::off);
  EXPECT_EQ(settings->log_level.text(), "info,election=debug,client=off");
}

TEST(Settings, ARefusalIsOneLineThatNamesFlagValueAndWhatIsAllowed) {
  EXPECT_THAT(refusal({}), HasSubstr("is required"));
  EXPECT_THAT(refusal(usual({"--election-timeout", "fast"})),
              HasSubstr("keelkv: --election-timeout 'fast': a time from 10ms to 60000ms, such as 250ms or 5s"));
  EXPECT_THAT(refusal(usual({"--segment-size", "1"})), HasSubstr("--segment-size '1': a size from 4kb to 1gb"));
  EXPECT_THAT(refusal(usual({"--max-clients", "0"})), HasSubstr("--max-clients '0': a whole number from 1 to 1000000"));
  EXPECT_THAT(refusal(usual({"--log-level", "loud"})), HasSubstr("'loud' is no level: trace, debug"));
  EXPECT_THAT(refusal(usual({"--log-level", "tea=info"})), HasSubstr("'tea' is no subject: election, replication"));
  EXPECT_THAT(refusal(usual({"--colour", "red"})), HasSubstr("--colour"));
  EXPECT_THAT(refusal(usual({"--heartbeat", "600ms"})),
              HasSubstr("heartbeat 600ms is too long for election-timeout 1000ms"));
  EXPECT_THAT(refusal({"--id", "4", "--cluster", "1=a:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("id 4 is not in the cluster 1=a:1"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "1=a:1,1=b:2", "--listen", "a:1", "--data", "d"}),
              HasSubstr("id 1 is there twice"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "1=a:0", "--listen", "a:1", "--data", "d"}),
              HasSubstr("a peer's port must not be 0"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "a:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("'a:1' is no member: ID=HOST:PORT"));
  EXPECT_THAT(refusal({"--id", "0", "--cluster", "1=a:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("is no node id"));
}

TEST(Settings, HelpAndVersionAreNoErrors) {
  const auto help = parse({"--help"});
  ASSERT_FALSE(help);
  EXPECT_EQ(help.error().status, 0);
  for (const Setting& setting : settings_table())
    EXPECT_THAT(help.error().text, HasSubstr(std::string(setting.name)));
  const auto version = parse({"--version"});
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().status, 0);
  EXPECT_THAT(version.error().text, testing::StartsWith("keelkv 0"));
}

// What CONFIG GET shows of a setting can be given back to it.
TEST(Settings, EveryDefaultReadsBack) {
  KvSettings settings;
  for (const Setting& setting : settings_table()) {
    if (setting.required) continue;
    const std::string shown = setting.get(settings);
    KvSettings again;
    ASSERT_TRUE(apply_setting(setting, again, shown)) << setting.name << " " << shown;
    EXPECT_EQ(setting.get(again), shown) << setting.name;
  }
}

TEST(Settings, Addresses) {
  EXPECT_EQ(to_string(*parse_host_port("[::1]:80")), "[::1]:80");
  for (const std::string_view no :
       {"", "host", ":80", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[]:80", "[::1:80"}) {
    EXPECT_FALSE(parse_host_port(no)) << no;
  }
}

}  // namespace
}  // namespace keel
