#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/configuration.hpp"
#include "keelkv/config/log_levels.hpp"

namespace keel {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// "127.0.0.1:6401", "example.org:6401", "[::1]:6401".
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);
[[nodiscard]] std::string to_string(const HostPort& address);

// What a follower does with a command that names a key.
enum class OnFollower : std::uint8_t {
  forward,  // passes writes on to the leader, and answers reads itself
  moved,    // sends the client to the leader, as Redis Cluster does
};

struct KvSettings {
  NodeId id{};
  std::vector<Member> cluster;
  HostPort listen;
  std::optional<HostPort> advertise;
  OnFollower on_follower = OnFollower::forward;
  std::string data;
  std::string name = "keelkv";
  std::vector<NodeId> forget;

  Duration election_timeout = std::chrono::seconds(1);
  Duration heartbeat = std::chrono::milliseconds(100);
  Duration disk_stall_timeout = std::chrono::seconds(4);
  Duration command_timeout = std::chrono::seconds(5);
  Duration spin{};
  std::uint64_t segment_size = 16u << 20;
  std::uint64_t max_log_bytes = 4ull << 30;
  std::uint64_t log_cache = 64u << 20;
  std::uint64_t max_append_bytes = 1u << 20;
  std::uint64_t max_append_entries = 4096;
  std::uint64_t max_inflight_messages = 64;
  std::uint64_t max_inflight_bytes = 32u << 20;
  std::uint64_t max_uncommitted_bytes = 128u << 20;
  std::uint64_t max_apply_bytes = 1u << 20;
  std::uint64_t max_apply_entries = 4096;
  std::uint64_t max_waiting_commands = 1u << 16;
  std::uint64_t max_waiting_reads = 1u << 16;
  std::string password;       // empty: none is asked for
  std::uint64_t timeout = 0;  // seconds; 0: never
  std::uint64_t max_clients = 10000;
  std::uint64_t max_bulk = 64u << 20;
  std::uint64_t max_request = 128u << 20;
  std::uint64_t max_client_output = 64u << 20;
  std::uint64_t max_client_memory = 1u << 30;
  LogLevels log_level;
  std::string trace;  // a file; empty: none

  std::string config_file;  // what --config named, or empty
};

enum class SettingKind : std::uint8_t {
  usual,
  required,
  changeable,  // by CONFIG SET, while the server runs
  one_start,   // for one start: a flag, and not in a file that is read at each
};

// One row for each setting: what the command line, the configuration file, CONFIG GET and CONFIG SET know of it.
struct Setting {
  std::string_view name;   // the flag's without dashes, and the file's key
  std::string_view value;  // what it looks like, for help
  std::string_view help;
  SettingKind kind = SettingKind::usual;
  // Error: `invalid`, saying what is allowed; the caller adds the setting's name and the value given.
  std::function<Result<void>(KvSettings&, std::string_view)> set;
  std::function<std::string(const KvSettings&)> get;
  bool secret = false;  // never shown but by CONFIG GET
};
[[nodiscard]] std::span<const Setting> settings_table();
[[nodiscard]] const Setting* find_setting(std::string_view name);
// Sets it, with an error that names setting, value, and what is allowed.
[[nodiscard]] Result<void> apply_setting(const Setting& setting, KvSettings& settings, std::string_view value);

// Whether the settings fit together. Error: `invalid`.
[[nodiscard]] Result<void> validate(const KvSettings& settings);

// A file of settings, as TOML has it: `name = value` with the flags' names. A value is a string as the flag takes it, a
// whole number, or, for what is a list, an array of those.
struct ConfigEntry {
  const Setting* setting;
  std::string value;
  std::size_t line;
};
// `path` names the file in errors, each of which says where in it, and what is allowed.
// Errors: `invalid`; `io` when it cannot be read.
[[nodiscard]] Result<std::vector<ConfigEntry>> parse_config(std::string_view text, std::string_view path);
[[nodiscard]] Result<std::vector<ConfigEntry>> read_config(const std::string& path);
// All settings but those for one start, as such a file.
[[nodiscard]] std::string show_config(const KvSettings& settings);

// The command line, and the file that it names; a flag stands above the file. When there is nothing to start, what to
// print and the exit status: 0 for help, version and print-config.
struct EarlyExit {
  int status = 0;
  std::string text;
};
[[nodiscard]] std::expected<KvSettings, EarlyExit> parse_flags(int argc, const char* const* argv);

}  // namespace keel
