#include "keel/sim/schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view first_line = "keel-sim schedule 1";
constexpr std::size_t most_nodes = 9;
constexpr Duration longest = 1h;

constexpr std::array<std::string_view, fault_kinds> kind_names = {
    "weather",    "bad_link",  "isolate",  "split",      "cut_pair",   "one_way",   "crash",
    "crash_all",  "pause",     "transfer", "step_down",  "fire_timer", "slow_disk", "hang_disk",
    "break_disk", "fill_disk", "rot",      "clock_rate", "clock_stop", "clock_jump"};
constexpr std::array<std::string_view, 4> call_names = {"get", "set", "append", "compare_and_set"};

// Each setting by its name. What is not here is not drawn.
template <class S, class F>
void each_setting(S& schedule, F f) {
  auto& world = schedule.world;
  auto& raft = world.node.raft;
  f("storm", schedule.storm);
  f("nodes", world.nodes);
  f("pre_vote", world.pre_vote);
  f("check_quorum", world.check_quorum);
  f("encode", world.encode);
  f("log", world.log);
  f("segment_bytes", world.segment_bytes);
  f("sync_latency", world.sync_latency);
  f("sync_jitter", world.sync_jitter);
  f("grain", world.grain);
  f("min_latency", world.link.min_latency);
  f("max_latency", world.link.max_latency);
  f("election_timeout", raft.election_timeout);
  f("heartbeat_interval", raft.heartbeat_interval);
  f("write_stall_timeout", raft.write_stall_timeout);
  f("split_vote_detection", raft.split_vote_detection);
  f("eager_commit", raft.eager_commit);
  f("max_append_entries", raft.max_append_entries);
  f("max_append_bytes", raft.max_append_bytes);
  f("max_inflight_messages", raft.max_inflight_messages);
  f("max_inflight_bytes", raft.max_inflight_bytes);
  f("max_uncommitted_bytes", raft.max_uncommitted_bytes);
  f("log_cache_bytes", raft.log_cache_bytes);
  f("max_pending_reads", raft.max_pending_reads);
  f("max_apply_entries", world.node.max_apply_entries);
  f("max_waiting_commands", world.node.max_waiting_commands);
  f("max_waiting_reads", world.node.max_waiting_reads);
}

// The parameters of a fault by their names, but time, kind and node. A value that is 0 is not written.
template <class P, class F>
void each_parameter(P& fault, F f) {
  f("other", fault.other);
  f("with", fault.with);
  f("inbound", fault.inbound);
  f("loss", fault.loss);
  f("duplicate", fault.duplicate);
  f("reorder", fault.reorder);
  f("spike", fault.spike);
  f("hint", fault.hint);
  f("slower", fault.slower);
  f("spike_latency", fault.spike_latency);
  f("bandwidth", fault.bandwidth);
  f("timer", fault.timer);
  f("mid_write", fault.mid_write);
  f("change_settings", fault.change_settings);
  f("op", fault.op);
  f("nth", fault.nth);
  f("power_cut", fault.power_cut);
  f("room", fault.room);
  f("rate", fault.rate);
  f("by", fault.by);
  f("place", fault.place);
}
template <class P, class F>
void each_operation_field(P& operation, F f) {
  f("size", operation.size);
  f("patience", operation.patience);
  f("deadline", operation.deadline);
  f("logged", operation.logged);
  f("forward", operation.forward);
  f("own_term", operation.own_term);
}

// Values as text. Times are whole microseconds, written as seconds.
std::string text_of(bool value) { return value ? "1" : "0"; }
std::string text_of(NodeId value) { return std::to_string(value.value()); }
std::string text_of(LogKind value) { return value == LogKind::memory ? "memory" : "write_ahead"; }
std::string text_of(DiskOp value) { return std::string(to_string(value)); }
std::string text_of(Duration value) {
  const auto us = value / 1us;
  return fmt::format("{}.{:06}s", us / 1'000'000, us % 1'000'000);
}
template <std::unsigned_integral T>
std::string text_of(T value) {
  return std::to_string(value);
}

template <std::unsigned_integral T>
bool read(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}
bool read(std::string_view text, bool& value) {
  value = text == "1";
  return text == "1" || text == "0";
}
bool read(std::string_view text, NodeId& value) {
  std::uint64_t number = 0;
  const bool good = read(text, number) && number <= most_nodes;
  value = NodeId(number);
  return good;
}
bool read(std::string_view text, LogKind& value) {
  value = text == "memory" ? LogKind::memory : LogKind::write_ahead;
  return text == "memory" || text == "write_ahead";
}
bool read(std::string_view text, DiskOp& value) {
  for (std::size_t i = 0; i < disk_ops; ++i) {
    value = static_cast<DiskOp>(i);
    if (to_string(value) == text) return true;
  }
  return false;
}
bool read(std::string_view text, Duration& value) {
  const std::size_t dot = text.find('.');
  std::uint64_t seconds = 0;
  std::uint64_t us = 0;
  if (dot == std::string_view::npos || text.size() != dot + 8 || text.back() != 's') return false;
  if (!read(text.substr(0, dot), seconds) || !read(text.substr(dot + 1, 6), us)) return false;
  if (seconds > static_cast<std::uint64_t>(longest / 1s)) return false;
  value = std::chrono::seconds(seconds) + std::chrono::microseconds(us);
  return true;
}

template <std::size_t N>
std::optional<std::size_t> place_in(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::string whom(NodeId node, bool leader) {
  return node == nobody ? std::string("all") : fmt::format("{}{}", leader ? "leader|" : "node", node.value());
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find(' ', begin), line.size());
    found.push_back(line.substr(begin, at - begin));
  }
  return found;
}

// Reads one schedule, line by line.
class Parser {
 public:
  Result<Schedule> parse(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && wrong_.empty();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      ++line_;
      read_line(text.substr(at, end - at));
      at = end + 1;
    }
    if (line_ == 0) wrong_ = fmt::format("a schedule begins with the line '{}'", first_line);
    if (!wrong_.empty()) return fail(ErrorCode::invalid, fmt::format("schedule, line {}: {}", line_, wrong_));
    check_whole();
    if (!wrong_.empty()) return fail(ErrorCode::invalid, "schedule: " + wrong_);
    return std::move(schedule_);
  }

 private:
  void read_line(std::string_view line) {
    if (line_ == 1) {
      if (line != first_line) wrong_ = fmt::format("a schedule begins with the line '{}'", first_line);
      return;
    }
    const auto parts = words(line);
    if (parts.empty() || parts[0].starts_with('#')) return;
    if (parts[0] == "fault") return read_fault(parts);
    if (parts[0] == "client") return read_operation(parts);
    if (parts.size() != 2) return complain("two words, a setting and its value,", line);
    if (parts[0] == "seed") return good(read(parts[1], schedule_.seed), parts[1]);
    if (parts[0] == "profile") {
      schedule_.profile = parts[1];
      return;
    }
    bool known = false;
    each_setting(schedule_, [&](std::string_view name, auto& value) {
      if (name != parts[0]) return;
      known = true;
      good(read(parts[1], value), parts[1]);
    });
    if (!known) wrong_ = fmt::format("there is no setting '{}'", parts[0]);
  }

  // fault TIME KIND WHOM for TIME name=value ...
  void read_fault(const std::vector<std::string_view>& parts) {
    if (parts.size() < 6 || parts[4] != "for") return complain("'fault TIME KIND WHOM for TIME'", parts[0]);
    PlannedFault fault;
    const auto kind = place_in(kind_names, parts[2]);
    if (!kind) {
      wrong_ = fmt::format("there is no fault '{}'", parts[2]);
      return;
    }
    fault.kind = static_cast<FaultKind>(*kind);
    good(read(parts[1], fault.at), parts[1]);
    read_whom(parts[3], fault.node, fault.leader);
    good(read(parts[5], fault.lasts), parts[5]);
    for (std::size_t i = 6; i < parts.size(); ++i)
      read_field(parts[i], [&](auto f) { each_parameter(fault, f); });
    schedule_.faults.push_back(fault);
  }

  // client NUMBER #NUMBER TIME WHOM CALL KEY name=value ...
  void read_operation(const std::vector<std::string_view>& parts) {
    if (parts.size() < 7 || !parts[2].starts_with('#') || !parts[6].starts_with('k')) {
      return complain("'client NUMBER #NUMBER TIME WHOM CALL kNUMBER'", parts[0]);
    }
    PlannedOperation operation;
    good(read(parts[1], operation.client) && operation.client >= 1 && operation.client <= 1000, parts[1]);
    good(read(parts[2].substr(1), operation.number), parts[2]);
    good(read(parts[3], operation.at), parts[3]);
    read_whom(parts[4], operation.node, operation.leader);
    if (operation.node == nobody) return complain("a node", parts[4]);
    const auto call = place_in(call_names, parts[5]);
    if (!call) return complain("get, set, append or compare_and_set", parts[5]);
    operation.call = static_cast<RegisterCall>(*call);
    good(read(parts[6].substr(1), operation.key), parts[6]);
    operation.forward = false;  // what is not said is 0
    for (std::size_t i = 7; i < parts.size(); ++i)
      read_field(parts[i], [&](auto f) { each_operation_field(operation, f); });
    good(operation.size <= 1u << 20, "size");
    schedule_.operations.push_back(operation);
  }

  template <class Each>
  void read_field(std::string_view field, Each each) {
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view value = equals < field.size() ? field.substr(equals + 1) : std::string_view();
    bool known = false;
    each([&](std::string_view name, auto& into) {
      if (name != field.substr(0, equals)) return;
      known = true;
      good(read(value, into), field);
    });
    if (!known && wrong_.empty()) wrong_ = fmt::format("nothing is known of '{}'", field);
  }

  void read_whom(std::string_view text, NodeId& node, bool& leader) {
    leader = text.starts_with("leader|");
    if (text == "all") return;
    const std::size_t prefix = leader ? 7 : 4;
    const bool reads = (leader || text.starts_with("node")) && read(text.substr(prefix), node) && node != nobody;
    if (!reads) complain("'all', 'node3' or 'leader|3'", text);
  }

  void check_whole() {
    const std::size_t nodes = schedule_.world.nodes;
    const auto outside = [nodes](NodeId node) { return node.value() > nodes; };
    if (nodes < 1 || nodes > most_nodes) wrong_ = fmt::format("{} nodes: there are 1 to {}", nodes, most_nodes);
    for (const PlannedFault& fault : schedule_.faults) {
      if (outside(fault.node) || outside(fault.other)) wrong_ = "no such node: " + describe(fault);
    }
    for (const PlannedOperation& operation : schedule_.operations) {
      if (outside(operation.node)) wrong_ = "no such node: " + describe(operation);
    }
    if (!std::ranges::is_sorted(schedule_.faults, {}, &PlannedFault::at) ||
        !std::ranges::is_sorted(schedule_.operations, {}, &PlannedOperation::at)) {
      wrong_ = "faults and operations stand in the order of their times";
    }
    RaftOptions raft = schedule_.world.node.raft;
    raft.id = NodeId(1);
    if (auto valid = validate(raft); !valid) wrong_ = valid.error().message;
  }

  void good(bool reads, std::string_view what) {
    if (!reads && wrong_.empty()) wrong_ = fmt::format("'{}' is no value that can stand here", what);
  }
  void complain(std::string_view wanted, std::string_view found) {
    if (wrong_.empty()) wrong_ = fmt::format("{} should be where '{}' is", wanted, found);
  }

  Schedule schedule_ = empty();
  std::size_t line_ = 0;
  std::string wrong_;

  static Schedule empty() {
    Schedule schedule;
    schedule.storm = 45s;
    return schedule;
  }
};

}  // namespace

std::string_view to_string(FaultKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::string describe(const PlannedFault& fault) {
  std::string text = fmt::format("{} {} {} for {}", text_of(fault.at), to_string(fault.kind),
                                 whom(fault.node, fault.leader), text_of(fault.lasts));
  each_parameter(fault, [&](std::string_view name, const auto& value) {
    if (value != std::decay_t<decltype(value)>{}) text += fmt::format(" {}={}", name, text_of(value));
  });
  return text;
}

std::string describe(const PlannedOperation& operation) {
  std::string text = fmt::format("{} #{} {} {} {} k{}", operation.client, operation.number, text_of(operation.at),
                                 whom(operation.node, operation.leader),
                                 call_names[static_cast<std::size_t>(operation.call)], operation.key);
  each_operation_field(operation, [&](std::string_view name, const auto& value) {
    if (value != std::decay_t<decltype(value)>{}) text += fmt::format(" {}={}", name, text_of(value));
  });
  return text;
}

std::string to_text(const Schedule& schedule) {
  std::string text = fmt::format("{}\nseed {}\nprofile {}\n", first_line, schedule.seed, schedule.profile);
  each_setting(schedule,
               [&](std::string_view name, const auto& value) { text += fmt::format("{} {}\n", name, text_of(value)); });
  for (const PlannedFault& fault : schedule.faults)
    text += "fault " + describe(fault) + "\n";
  for (const PlannedOperation& operation : schedule.operations)
    text += "client " + describe(operation) + "\n";
  return text;
}

Result<Schedule> parse_schedule(std::string_view text) { return Parser().parse(text); }

std::string summary(const Schedule& schedule) {
  std::string text = fmt::format("seed {}, profile {}:", schedule.seed, schedule.profile);
  each_setting(schedule,
               [&](std::string_view name, const auto& value) { text += fmt::format(" {} {}", name, text_of(value)); });
  std::map<std::string_view, std::size_t> kinds;
  for (const PlannedFault& fault : schedule.faults)
    ++kinds[to_string(fault.kind)];
  text += fmt::format("; {} faults:", schedule.faults.size());
  for (const auto& [kind, count] : kinds)
    text += fmt::format(" {} {}", count, kind);
  std::map<std::string_view, std::size_t> calls;
  std::uint32_t clients = 0;
  std::uint32_t keys = 0;
  for (const PlannedOperation& operation : schedule.operations) {
    ++calls[call_names[static_cast<std::size_t>(operation.call)]];
    clients = std::max(clients, operation.client);
    keys = std::max(keys, operation.key + 1);
  }
  text += fmt::format("; {} clients, {} keys:", clients, keys);
  for (const auto& [call, count] : calls)
    text += fmt::format(" {} {}", count, call);
  return text;
}

}  // namespace keel::sim
