#include "keelkv/server/event_log.hpp"

#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace keel {

namespace {

struct Place {
  LogSubject subject;
  spdlog::level::level_enum level;
};

// Where each of the protocol's events belongs. The function is only ever asked for its type's answer.
template <class E>
constexpr Place place_of_type() {
  using enum LogSubject;
  namespace level = spdlog::level;
  if constexpr (std::is_same_v<E, LeaderChanged> || std::is_same_v<E, LeaderReady> || std::is_same_v<E, SteppedDown>) {
    return {election, level::info};
  } else if constexpr (std::is_same_v<E, RoleChanged> || std::is_same_v<E, TermChanged> ||
                       std::is_same_v<E, CampaignStarted> || std::is_same_v<E, VoteCast> ||
                       std::is_same_v<E, SplitVote>) {
    return {election, level::debug};
  } else if constexpr (std::is_same_v<E, CommitAdvanced> || std::is_same_v<E, EntriesAppended>) {
    return {replication, level::trace};
  } else if constexpr (std::is_same_v<E, EntriesTruncated>) {
    return {replication, level::info};
  } else if constexpr (std::is_same_v<E, PeerStateChanged> || std::is_same_v<E, MessageRejected>) {
    return {replication, level::debug};
  } else if constexpr (std::is_same_v<E, ConfigurationInForce> || std::is_same_v<E, TransferStarted> ||
                       std::is_same_v<E, TransferEnded>) {
    return {membership, level::info};
  } else if constexpr (std::is_same_v<E, StorageStalled> || std::is_same_v<E, FetchFailed>) {
    return {log, level::warn};
  } else {
    static_assert(std::is_same_v<E, ProtocolViolation>);
    return {log, level::err};
  }
}

Place place_of(const RaftEvent& event) {
  return std::visit([]<class E>(const E&) { return place_of_type<E>(); }, event);
}

template <std::size_t... I>
EventMask wanted(Logs& logs, std::index_sequence<I...>) {
  const auto bit = [&](Place place, std::size_t number) {
    return logs.of(place.subject).should_log(place.level) ? EventMask{1} << number : EventMask{0};
  };
  return (bit(place_of_type<std::variant_alternative_t<I, RaftEvent>>(), I) | ...);
}

}  // namespace

Logs::Logs(NodeId node, const LogLevels& levels) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  for (std::size_t i = 0; i < log_subjects; ++i) {
    loggers_[i] = std::make_shared<spdlog::logger>(std::string(to_string(LogSubject(i))), sink);
    loggers_[i]->set_pattern(fmt::format("%Y-%m-%dT%H:%M:%S.%e keelkv {} %n %l: %v", node.value()));
    loggers_[i]->flush_on(spdlog::level::trace);
  }
  set_levels(levels);
}

void Logs::set_levels(const LogLevels& levels) {
  for (std::size_t i = 0; i < log_subjects; ++i)
    loggers_[i]->set_level(levels.of(LogSubject(i)));
}

EventMask EventLog::wants() const { return wanted(logs_, std::make_index_sequence<std::variant_size_v<RaftEvent>>()); }

void EventLog::on_event(const Event& event) {
  std::visit([this](const auto& what) { write(what); }, event.what);
}

void EventLog::write(const RaftEvent& event) {
  const Place place = place_of(event);
  logs_.of(place.subject).log(place.level, "{}", describe(event));
}

void EventLog::write(const NodeStarted& started) {
  logs_.of(LogSubject::log)
      .info("started in term {} with entries up to {}", started.term.value(), started.last.value());
}

void EventLog::write(const StorageFull& storage) {
  if (!storage.full) return logs_.of(LogSubject::log).warn("the log has room again: {} bytes", storage.room);
  logs_.of(LogSubject::log)
      .warn(
          "the log is full ({} bytes left): this node takes no entries; raise max-log-bytes and "
          "restart it, or make room on its disk",
          storage.room);
}

void EventLog::write(const EntrySkipped& skipped) {
  logs_.of(LogSubject::client)
      .error("entry {} is of kind {}, which this build does not know: it was not applied", skipped.index.value(),
             static_cast<unsigned>(skipped.kind));
}

void EventLog::write(const NodeFailed& failed) { ended_(failed.error); }
// Also when it says that an entry is corrupt: that is not the disk's fault, which checks what it gives.
void EventLog::write(const MachineFailed& failed) { ended_({ErrorCode::failed, failed.error.message}); }
void EventLog::write(const NodeStopped&) { logs_.of(LogSubject::log).info("stopped"); }

}  // namespace keel
