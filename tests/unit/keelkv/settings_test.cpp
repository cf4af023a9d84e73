#include "keelkv/config/settings.hpp"

#include <algorithm>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace keel {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
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
  std::string crowd = "1=a:1";
  for (int id = 2; id <= 65; ++id)
    crowd += "," + std::to_string(id) + "=a:1";
  EXPECT_THAT(refusal({"--id", "1", "--cluster", crowd.c_str(), "--listen", "a:1", "--data", "d"}),
              HasSubstr("at most 64 members"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "1=a:0", "--listen", "a:1", "--data", "d"}),
              HasSubstr("a peer's port must not be 0"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "a:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("'a:1' is no member: ID=HOST:PORT"));
  EXPECT_THAT(refusal({"--id", "0", "--cluster", "1=a:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("is no node id"));
  EXPECT_THAT(refusal(usual({"--advertise", "a b:1"})),
              HasSubstr("keelkv: --advertise 'a b:1': HOST:PORT, with a host without spaces, control characters, ',' "
                        "and '@'"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "1=a:1", "--listen", "a@b:1", "--data", "d"}),
              HasSubstr("--listen 'a@b:1': HOST:PORT, with a host without"));
  EXPECT_THAT(refusal({"--id", "1", "--cluster", "1=a b:1", "--listen", "a:1", "--data", "d"}),
              HasSubstr("--cluster '1=a b:1': HOST:PORT, with a host without spaces"));
}

// A file of settings that is gone with the object.
class ConfigFile {
 public:
  explicit ConfigFile(std::string_view text) { std::ofstream(path()) << text; }
  [[nodiscard]] std::string path() const { return (folder_.path() / "keelkv.toml").string(); }

 private:
  test::TemporaryDirectory folder_;
};

constexpr std::string_view usual_file =
    "id = 2\ncluster = [\"1=a:7101\", \"2=b:7102\"]\nlisten = 'a:6401'\ndata = \"d\"\n";

// The refusal of a file that holds the usual settings and, from line 5 on, these; without the file's path.
std::string file_refusal(std::string_view more, Flags flags = {}) {
  const ConfigFile file(std::string(usual_file) + std::string(more));
  const std::string path = file.path();
  flags.insert(flags.end(), {"--config", path.c_str()});
  const std::string text = refusal(flags);
  const std::size_t at = text.find(path);
  return at == std::string::npos ? text : text.substr(at + path.size());
}

TEST(Settings, AFileHasTheSameAndAFlagStandsAboveIt) {
  const ConfigFile file(std::string(usual_file) +
                        "# a comment\nmax-clients = 5\nsegment-size = 65536\nheartbeat = \"20ms\"\n"
                        "log-level = [\"info\", \"log=debug\"]\n");
  const std::string path = file.path();
  const auto settings = parse({"--config", path.c_str(), "--heartbeat", "30ms", "--listen", "b:2"});
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->id, NodeId(2));
  EXPECT_EQ(settings->cluster.size(), 2u);
  EXPECT_EQ(to_string(settings->listen), "b:2");
  EXPECT_EQ(settings->max_clients, 5u);
  EXPECT_EQ(settings->segment_size, 64u << 10);
  EXPECT_EQ(settings->heartbeat, 30ms);
  EXPECT_EQ(settings->log_level.text(), "info,log=debug");
  EXPECT_EQ(settings->config_file, path);
}

TEST(Settings, AFilesRefusalNamesFileLineKeyValueAndWhatIsAllowed) {
  EXPECT_EQ(file_refusal(""), "accepted");
  EXPECT_THAT(file_refusal("election-timeout = \"fast\""),
              StartsWith(":5: election-timeout 'fast': a time from 10ms to 60000ms, such as 250ms or 5s"));
  EXPECT_THAT(file_refusal("\nmax-clients = 0"), StartsWith(":6: max-clients '0': a whole number from 1 to 1000000"));
  EXPECT_THAT(file_refusal("colour = \"red\""), StartsWith(":5: colour is no setting"));
  EXPECT_THAT(file_refusal("Heartbeat = \"1ms\""), StartsWith(":5: Heartbeat is no setting"));
  EXPECT_THAT(file_refusal("forget = \"1\""), StartsWith(":5: forget is for one start only: give it as a flag"));
  EXPECT_THAT(file_refusal("max-clients = 1.5"),
              StartsWith(":5: max-clients is not a string (such as \"N\"), a whole number, or an array of them"));
  EXPECT_THAT(file_refusal("name = [[1]]"), StartsWith(":5: name is not a string"));
  EXPECT_THAT(file_refusal("[limits]\nmax-clients = 7"), StartsWith(":5: limits is a table"));
  EXPECT_THAT(file_refusal("max-clients 7"), StartsWith(":5:13: not TOML: "));
  EXPECT_THAT(file_refusal("id = 1"), HasSubstr("not TOML: "));  // twice
  EXPECT_THAT(file_refusal("heartbeat = \"600ms\""),
              StartsWith(":5: heartbeat 600ms is too long for election-timeout 1000ms"));
  EXPECT_THAT(file_refusal("election-timeout = \"100ms\"", {"--heartbeat", "90ms"}),
              HasSubstr("--heartbeat 90ms is too"));
  EXPECT_THAT(file_refusal("max-bulk = 1", {"--max-bulk", "1mb"}),
              StartsWith(":5: max-bulk '1'"));  // wrong all the same
}

TEST(Settings, AFileMustBeThereAndHaveWhatIsRequired) {
  EXPECT_THAT(refusal({"--config", "/nowhere/keelkv.toml"}),
              HasSubstr("/nowhere/keelkv.toml: cannot be read: No such file or directory"));
  EXPECT_THAT(refusal({"--config", "/"}), HasSubstr("/: cannot be read: Is a directory"));
  const ConfigFile file("id = 1\n");
  const std::string path = file.path();
  EXPECT_THAT(refusal({"--config", path.c_str()}), HasSubstr(path + ": cluster is required, here or as a flag"));
  const ConfigFile large(std::string(2u << 20, '\n'));
  const std::string large_path = large.path();
  EXPECT_THAT(refusal({"--config", large_path.c_str()}), HasSubstr("larger than 1048576 bytes"));
}

// What is printed can be given back; and it is what was asked for, under the checks of a start.
TEST(Settings, PrintConfigShowsAllSettingsAsAFile) {
  const auto printed = parse(usual({"--max-clients", "7", "--name", "a\"b\\c\td", "--print-config"}));
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().status, 0);
  EXPECT_THAT(printed.error().text, HasSubstr("max-clients = 7\n"));
  const ConfigFile file(printed.error().text);
  const std::string path = file.path();
  const auto again = parse({"--config", path.c_str()});
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(show_config(*again), printed.error().text);
  EXPECT_EQ(again->name, "a\"b\\c\td");
  EXPECT_THAT(refusal(usual({"--max-clients", "0", "--print-config"})), HasSubstr("max-clients '0'"));
}

// The file that is installed names every setting, with its default where it has one.
TEST(Settings, TheExampleFileShowsEverySettingWithItsDefault) {
  std::ifstream example(KEEL_SOURCE_DIR "/apps/keelkv/keelkv.toml");
  std::string text;
  for (std::string line; std::getline(example, line);) {
    const bool is_setting = line.starts_with("#") && line.size() > 1 && line[1] != ' ';
    text += line.substr(is_setting ? 1 : 0) + "\n";
  }
  const auto entries = parse_config(text, "keelkv.toml");
  ASSERT_TRUE(entries) << entries.error().message;
  const KvSettings defaults;
  KvSettings shown;
  for (const Setting& setting : settings_table()) {
    if (setting.kind == SettingKind::one_start) continue;
    const auto entry = std::ranges::find(*entries, &setting, &ConfigEntry::setting);
    ASSERT_NE(entry, entries->end()) << setting.name;
    ASSERT_TRUE(apply_setting(setting, shown, entry->value)) << setting.name;
    const bool has_default = setting.kind != SettingKind::required;
    EXPECT_EQ(has_default ? setting.get(shown) : "", has_default ? setting.get(defaults) : "") << setting.name;
  }
  EXPECT_TRUE(validate(shown));
  EXPECT_TRUE(parse({"--config", KEEL_SOURCE_DIR "/apps/keelkv/keelkv.toml"}));
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
    if (setting.kind == SettingKind::required) continue;
    const std::string shown = setting.get(settings);
    KvSettings again;
    ASSERT_TRUE(apply_setting(setting, again, shown)) << setting.name << " " << shown;
    EXPECT_EQ(setting.get(again), shown) << setting.name;
  }
}

TEST(Settings, Addresses) {
  EXPECT_EQ(to_string(*parse_host_port("[::1]:80")), "[::1]:80");
  for (const std::string_view no : {"",       "host",   ":80",     "host:",  "host:x",    "host:65536", "host:-1",
                                    "::1:80", "[]:80",  "[::1:80", "a[b:80", "[[::1]:80", "a b:80",     " a:80",
                                    "a\t:80", "a\n:80", "a,b:80",  "a@b:80", "[::1 ]:80", "a\x7f:80"}) {
    EXPECT_FALSE(parse_host_port(no)) << no;
  }
}

}  // namespace
}  // namespace keel
