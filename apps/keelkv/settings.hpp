#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/configuration.hpp"
#include "keelkv/log_levels.hpp"

namespace keel {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// "127.0.0.1:6401", "example.org:6401", "[::1]:6401".
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);
[[nodiscard]] std::string to_string(const HostPort& address);

struct KvSettings {
  NodeId id{};
  std::vector<Member> cluster;
  HostPort listen;
  std::string data;
  std::string name = "keelkv";
  std::vector<NodeId> forget;

  Duration election_timeout = std::chrono::seconds(1);
  Duration heartbeat = std::chrono::milliseconds(100);
  Duration command_timeout = std::chrono::seconds(5);
  std::uint64_t segment_size = 16u << 20;
  std::uint64_t max_log_bytes = 4ull << 30;
  std::uint64_t log_cache = 64u << 20;
  std::uint64_t max_clients = 10000;
  std::uint64_t max_bulk = 64u << 20;
  std::uint64_t max_request = 128u << 20;
  std::uint64_t max_client_output = 64u << 20;
  std::uint64_t max_client_memory = 1u << 30;
  LogLevels log_level;
};

// One row for each setting: what the command line, CONFIG GET and CONFIG SET know of it.
struct Setting {
  std::string_view name;   // the flag's, without dashes
  std::string_view value;  // what it looks like, for help
  std::string_view help;
  bool required = false;
  bool changeable = false;  // by CONFIG SET, while the server runs
  // Error: `invalid`, saying what is allowed; the caller adds the setting's name and the value given.
  std::function<Result<void>(KvSettings&, std::string_view)> set;
  std::function<std::string(const KvSettings&)> get;
};
[[nodiscard]] std::span<const Setting> settings_table();
[[nodiscard]] const Setting* find_setting(std::string_view name);
// Sets it, with an error that names setting, value, and what is allowed.
[[nodiscard]] Result<void> apply_setting(const Setting& setting, KvSettings& settings, std::string_view value);

// Whether the settings fit together. Error: `invalid`.
[[nodiscard]] Result<void> validate(const KvSettings& settings);

// The command line. When there is nothing to start, what to print and the exit status: 0 for help and version.
struct EarlyExit {
  int status = 0;
  std::string text;
};
[[nodiscard]] std::expected<KvSettings, EarlyExit> parse_flags(int argc, const char* const* argv);

}  // namespace keel
