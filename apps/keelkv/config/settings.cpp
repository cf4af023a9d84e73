#include "keelkv/config/settings.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "keelkv/commands/command.hpp"

namespace keel {

namespace {

using Apply = std::function<Result<void>(KvSettings&, std::string_view)>;
using Show = std::function<std::string(const KvSettings&)>;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit time_units[] = {{"ms", 1'000'000}, {"us", 1'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}};
constexpr Unit size_units[] = {{"", 1},          {"k", 1u << 10}, {"kb", 1u << 10}, {"m", 1u << 20},
                               {"mb", 1u << 20}, {"g", 1u << 30}, {"gb", 1u << 30}};

// A whole number and one of `units`. None if it does not read so, or does not fit.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{}) return std::nullopt;
  const std::string_view suffix(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  const auto unit =
      std::ranges::find_if(units, [&](const Unit& known) { return equal_ignoring_case(known.name, suffix); });
  std::uint64_t value = 0;
  if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &value)) return std::nullopt;
  return value;
}

std::string show_duration(Duration duration) {
  const auto ns = static_cast<std::uint64_t>(duration.count());
  return ns % 1'000'000 == 0 ? fmt::format("{}ms", ns / 1'000'000) : fmt::format("{}us", ns / 1'000);
}

std::string show_size(std::uint64_t size) {
  for (const auto& [name, factor] : {Unit{"gb", 1u << 30}, Unit{"mb", 1u << 20}, Unit{"kb", 1u << 10}}) {
    if (size >= factor && size % factor == 0) return fmt::format("{}{}", size / factor, name);
  }
  return fmt::format("{}", size);
}

Apply duration_between(Duration KvSettings::* field, Duration least, Duration most) {
  return [=](KvSettings& settings, std::string_view text) -> Result<void> {
    const auto value = parse_quantity(text, time_units);
    const auto in_range = [&](std::uint64_t ns) {
      return ns >= static_cast<std::uint64_t>(least.count()) && ns <= static_cast<std::uint64_t>(most.count());
    };
    if (!value || !in_range(*value)) {
      return fail(ErrorCode::invalid,
                  fmt::format("a time from {} to {}, such as 250ms or 5s", show_duration(least), show_duration(most)));
    }
    settings.*field = Duration(static_cast<Duration::rep>(*value));
    return {};
  };
}

Apply size_between(std::uint64_t KvSettings::* field, std::uint64_t least, std::uint64_t most) {
  return [=](KvSettings& settings, std::string_view text) -> Result<void> {
    const auto value = parse_quantity(text, size_units);
    if (!value || *value < least || *value > most) {
      return fail(ErrorCode::invalid, fmt::format("a size from {} to {}, in bytes or with kb, mb, gb behind it",
                                                  show_size(least), show_size(most)));
    }
    settings.*field = *value;
    return {};
  };
}

Apply number_between(std::uint64_t KvSettings::* field, std::uint64_t least, std::uint64_t most) {
  return [=](KvSettings& settings, std::string_view text) -> Result<void> {
    const auto value = parse_integer(text);
    if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < least ||
        static_cast<std::uint64_t>(*value) > most) {
      return fail(ErrorCode::invalid, fmt::format("a whole number from {} to {}", least, most));
    }
    settings.*field = static_cast<std::uint64_t>(*value);
    return {};
  };
}

Show shown_duration(Duration KvSettings::* field) {
  return [=](const KvSettings& settings) { return show_duration(settings.*field); };
}
Show shown_size(std::uint64_t KvSettings::* field) {
  return [=](const KvSettings& settings) { return show_size(settings.*field); };
}
Show shown_number(std::uint64_t KvSettings::* field) {
  return [=](const KvSettings& settings) { return fmt::format("{}", settings.*field); };
}

Result<NodeId> parse_id(std::string_view text) {
  const auto id = parse_integer(text);
  if (!id || *id < 1)
    return fail(ErrorCode::invalid, fmt::format("'{}' is no node id: a whole number from 1 on", text));
  return NodeId(static_cast<std::uint64_t>(*id));
}

Result<void> set_id(KvSettings& settings, std::string_view text) {
  const auto id = parse_id(text);
  if (!id) return std::unexpected(id.error());
  settings.id = *id;
  return {};
}

// "1=127.0.0.1:7101,2=127.0.0.1:7102"
Result<void> set_cluster(KvSettings& settings, std::string_view list) {
  std::vector<Member> members;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' is no member: ID=HOST:PORT, with commas between members", item));
    }
    const auto id = parse_id(item.substr(0, equals));
    if (!id) return std::unexpected(id.error());
    const auto address = parse_host_port(item.substr(equals + 1));
    if (!address) return std::unexpected(address.error());
    if (address->port == 0) return fail(ErrorCode::invalid, fmt::format("'{}': a peer's port must not be 0", item));
    members.push_back({.id = *id, .address = to_string(*address)});
  }
  if (members.size() > max_members) return fail(ErrorCode::invalid, fmt::format("at most {} members", max_members));
  std::ranges::sort(members, {}, &Member::id);
  const auto twin = std::ranges::adjacent_find(members, {}, &Member::id);
  if (twin != members.end()) return fail(ErrorCode::invalid, fmt::format("id {} is there twice", twin->id.value()));
  settings.cluster = std::move(members);
  return {};
}

std::string show_cluster(const KvSettings& settings) {
  std::string text;
  for (const Member& member : settings.cluster) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", member.id.value(), member.address);
  }
  return text;
}

Result<void> set_forget(KvSettings& settings, std::string_view list) {
  std::vector<NodeId> peers;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const auto id = parse_id(item);
    if (!id) return std::unexpected(id.error());
    peers.push_back(*id);
  }
  settings.forget = std::move(peers);
  return {};
}

std::string show_forget(const KvSettings& settings) {
  std::string text;
  for (const NodeId peer : settings.forget)
    text += fmt::format("{}{}", text.empty() ? "" : ",", peer.value());
  return text;
}

Result<void> set_listen(KvSettings& settings, std::string_view text) {
  auto address = parse_host_port(text);
  if (!address) return std::unexpected(address.error());
  settings.listen = std::move(*address);
  return {};
}

Result<void> set_advertise(KvSettings& settings, std::string_view text) {
  settings.advertise.reset();
  if (text.empty()) return {};
  auto address = parse_host_port(text);
  if (!address) return std::unexpected(address.error());
  if (address->port == 0) return fail(ErrorCode::invalid, "HOST:PORT, as clients reach it: the port must not be 0");
  if (text.size() > max_name_bytes) return fail(ErrorCode::invalid, fmt::format("at most {} bytes", max_name_bytes));
  settings.advertise = std::move(*address);
  return {};
}

Result<void> set_on_follower(KvSettings& settings, std::string_view text) {
  if (text != "forward" && text != "moved") return fail(ErrorCode::invalid, "forward or moved");
  settings.on_follower = text == "moved" ? OnFollower::moved : OnFollower::forward;
  return {};
}

Result<void> set_password(KvSettings& settings, std::string_view text) {
  constexpr std::size_t most = 512;
  if (text.size() > most) return fail(ErrorCode::invalid, fmt::format("at most {} bytes", most));
  settings.password = text;
  return {};
}

Apply text_up_to(std::string KvSettings::* field, std::size_t most) {
  return [=](KvSettings& settings, std::string_view text) -> Result<void> {
    if (text.empty() || text.size() > most) {
      return fail(ErrorCode::invalid, fmt::format("a text of 1 to {} bytes", most));
    }
    settings.*field = text;
    return {};
  };
}

Result<void> set_trace(KvSettings& settings, std::string_view text) {
  constexpr std::size_t most = 4096;
  if (text.size() > most) return fail(ErrorCode::invalid, fmt::format("at most {} bytes", most));
  settings.trace = text;
  return {};
}

Result<void> set_log_level(KvSettings& settings, std::string_view text) {
  const auto levels = LogLevels::parse(text);
  if (!levels) return std::unexpected(levels.error());
  settings.log_level = *levels;
  return {};
}

std::vector<Setting> make_table() {
  using namespace std::chrono_literals;
  using S = KvSettings;
  constexpr std::uint64_t kb = 1u << 10;
  constexpr std::uint64_t mb = 1u << 20;
  constexpr std::uint64_t gb = 1u << 30;
  using enum SettingKind;
  return {
      {"id", "ID", "This node's id, one of the cluster's", required, set_id,
       [](const S& s) { return fmt::format("{}", s.id.value()); }},
      {"cluster", "LIST", "The first voters and where they listen for each other: 1=HOST:PORT,2=HOST:PORT,...",
       required, set_cluster, show_cluster},
      {"listen", "HOST:PORT", "Where to listen for clients; port 0 takes a free one", required, set_listen,
       [](const S& s) { return to_string(s.listen); }},
      {"advertise", "HOST:PORT", "Where clients reach this node, if not at --listen: what others send them to", usual,
       set_advertise, [](const S& s) { return s.advertise ? to_string(*s.advertise) : std::string(); }},
      {"on-follower", "HOW",
       "A follower's answer to commands with keys: forward to the leader, or moved, as a cluster's", changeable,
       set_on_follower,
       [](const S& s) { return std::string(s.on_follower == OnFollower::moved ? "moved" : "forward"); }},
      {"data", "DIR", "The data directory; made if it is not there", required, text_up_to(&S::data, 4096),
       [](const S& s) { return s.data; }},
      {"name", "NAME", "The cluster's name, the same on every node", usual, text_up_to(&S::name, max_name_bytes),
       [](const S& s) { return s.name; }},
      {"forget", "IDS", "Take the next data directory of these peers for theirs: their old one is lost, see the docs",
       one_start, set_forget, show_forget},
      {"election-timeout", "TIME", "How long a follower waits for a leader before it campaigns: this to twice this",
       usual, duration_between(&S::election_timeout, 10ms, 60s), shown_duration(&S::election_timeout)},
      {"heartbeat", "TIME", "How often a leader says that it lives", usual, duration_between(&S::heartbeat, 1ms, 10s),
       shown_duration(&S::heartbeat)},
      {"disk-stall-timeout", "TIME", "A leader whose disk takes longer for one write hands over; 0ms: never", usual,
       duration_between(&S::disk_stall_timeout, 0ms, 1h), shown_duration(&S::disk_stall_timeout)},
      {"command-timeout", "TIME", "How long a client's command may take before it is answered with an error",
       changeable, duration_between(&S::command_timeout, 10ms, 600s), shown_duration(&S::command_timeout)},
      {"spin", "TIME", "How long the server looks for more to do before it sleeps: processor time against latency",
       usual, duration_between(&S::spin, 0ms, 10ms), shown_duration(&S::spin)},
      {"segment-size", "SIZE", "One file of the log", usual, size_between(&S::segment_size, 4 * kb, gb),
       shown_size(&S::segment_size)},
      {"max-log-bytes", "SIZE", "Room for the log; when it is full, writes are answered with BUSY", usual,
       size_between(&S::max_log_bytes, 64 * kb, kb * kb * gb), shown_size(&S::max_log_bytes)},
      {"log-cache", "SIZE", "Log entries kept in memory for followers", usual, size_between(&S::log_cache, mb, 64 * gb),
       shown_size(&S::log_cache)},
      {"max-append-bytes", "SIZE", "Log entries in one message to a peer; a larger one goes alone", usual,
       size_between(&S::max_append_bytes, kb, 4 * mb), shown_size(&S::max_append_bytes)},
      {"max-append-entries", "N", "The same, counted", usual, number_between(&S::max_append_entries, 1, 65536),
       shown_number(&S::max_append_entries)},
      {"max-inflight-messages", "N", "Messages with entries on their way to one peer, not answered yet", usual,
       number_between(&S::max_inflight_messages, 1, 4096), shown_number(&S::max_inflight_messages)},
      {"max-inflight-bytes", "SIZE", "The same, in bytes of entries", usual,
       size_between(&S::max_inflight_bytes, 64 * kb, gb), shown_size(&S::max_inflight_bytes)},
      {"max-uncommitted-bytes", "SIZE", "Commands that a leader has taken and not yet committed; then BUSY", usual,
       size_between(&S::max_uncommitted_bytes, 16 * mb, 64 * gb), shown_size(&S::max_uncommitted_bytes)},
      {"max-apply-bytes", "SIZE", "Committed entries that are applied in one go", usual,
       size_between(&S::max_apply_bytes, kb, 64 * mb), shown_size(&S::max_apply_bytes)},
      {"max-apply-entries", "N", "The same, counted", usual, number_between(&S::max_apply_entries, 1, 1'000'000),
       shown_number(&S::max_apply_entries)},
      {"max-waiting-commands", "N", "Writes of all clients on their way at once; then BUSY", usual,
       number_between(&S::max_waiting_commands, 1, 1'000'000), shown_number(&S::max_waiting_commands)},
      {"max-waiting-reads", "N", "Reads that wait to be confirmed; then BUSY", usual,
       number_between(&S::max_waiting_reads, 1, 1'000'000), shown_number(&S::max_waiting_reads)},
      {"requirepass", "PASSWORD",
       "What clients must say (AUTH) before anything else; a file hides it better than a flag", changeable,
       set_password, [](const S& s) { return s.password; }, true},
      {"timeout", "SECONDS", "A client that is idle for so long is closed; 0: never", changeable,
       number_between(&S::timeout, 0, 31'536'000), shown_number(&S::timeout)},
      {"max-clients", "N", "Connections at once", changeable, number_between(&S::max_clients, 1, 1'000'000),
       shown_number(&S::max_clients)},
      {"max-bulk", "SIZE", "The longest argument a client may send", usual, size_between(&S::max_bulk, kb, 512 * mb),
       shown_size(&S::max_bulk)},
      {"max-request", "SIZE", "The longest request, all arguments together", usual,
       size_between(&S::max_request, kb, gb), shown_size(&S::max_request)},
      {"max-client-output", "SIZE", "Replies that may wait for one slow reader; past it the connection is closed",
       changeable, size_between(&S::max_client_output, 64 * kb, 16 * gb), shown_size(&S::max_client_output)},
      {"max-client-memory", "SIZE", "Buffers of all connections together; past it the largest are closed", changeable,
       size_between(&S::max_client_memory, mb, 1024 * gb), shown_size(&S::max_client_memory)},
      {"log-level", "LEVELS", "trace, debug, info, warn, error or off; for one subject: election=debug, ...",
       changeable, set_log_level, [](const S& s) { return s.log_level.text(); }},
      {"trace", "FILE", "Append to it all that this node does, which keel-sim can read; it slows a loaded node down",
       usual, set_trace, [](const S& s) { return s.trace; }},
  };
}

// Whether lists of addresses, and lines that others read word by word, stay readable with it.
bool fits_into_lines(std::string_view host) {
  return std::ranges::none_of(host, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f || c == ',' || c == '@';
  });
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto refuse = [&] {
    return fail(ErrorCode::invalid, fmt::format("'{}' is no address: HOST:PORT, with a port from 0 to 65535", text));
  };
  if (colon == std::string_view::npos || colon == 0) return refuse();
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return refuse();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[';
  if (bracketed && (host.size() < 3 || host.back() != ']')) return refuse();
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return refuse();
  if (host.find_first_of("[]") != std::string_view::npos) return refuse();
  if (!fits_into_lines(host)) {
    return fail(ErrorCode::invalid, "HOST:PORT, with a host without spaces, control characters, ',' and '@'");
  }
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string to_string(const HostPort& address) {
  const bool needs_brackets = address.host.find(':') != std::string::npos;
  return needs_brackets ? fmt::format("[{}]:{}", address.host, address.port)
                        : fmt::format("{}:{}", address.host, address.port);
}

std::span<const Setting> settings_table() {
  static const std::vector<Setting> table = make_table();
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto table = settings_table();
  const auto found = std::ranges::find_if(table, [&](const Setting& s) { return equal_ignoring_case(s.name, name); });
  return found == table.end() ? nullptr : &*found;
}

Result<void> apply_setting(const Setting& setting, KvSettings& settings, std::string_view value) {
  if (auto set = setting.set(settings, value); !set) {
    return fail(ErrorCode::invalid,
                fmt::format("{} '{}': {}", setting.name, setting.secret ? "***" : value, set.error().message));
  }
  return {};
}

Result<void> validate(const KvSettings& settings) {
  const auto invalid = [](std::string text) { return fail(ErrorCode::invalid, std::move(text)); };
  const auto same_id = [&](const Member& member) { return member.id == settings.id; };
  if (std::ranges::none_of(settings.cluster, same_id)) {
    return invalid(fmt::format("id {} is not in the cluster {}", settings.id.value(), show_cluster(settings)));
  }
  if (settings.heartbeat * 3 > settings.election_timeout) {
    return invalid(fmt::format("heartbeat {} is too long for election-timeout {}: at most a third of it",
                               show_duration(settings.heartbeat), show_duration(settings.election_timeout)));
  }
  if (settings.segment_size % 4096 != 0) {
    return invalid(fmt::format("segment-size {} is no multiple of 4kb", show_size(settings.segment_size)));
  }
  if (settings.segment_size * 3 > settings.max_log_bytes) {
    return invalid(fmt::format("segment-size {} is too large for max-log-bytes {}: at most a third of it",
                               show_size(settings.segment_size), show_size(settings.max_log_bytes)));
  }
  if (settings.max_bulk > settings.max_request) {
    return invalid(fmt::format("max-bulk {} is larger than max-request {}", show_size(settings.max_bulk),
                               show_size(settings.max_request)));
  }
  return {};
}

}  // namespace keel
