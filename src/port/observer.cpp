#include "keel/port/observer.hpp"

#include <fmt/core.h>

namespace keel {
namespace {

std::string text(const RaftEvent& event) { return describe(event); }
std::string text(const NodeStarted& event) {
  return fmt::format("NodeStarted term {} last {}", event.term.value(), event.last.value());
}
std::string text(const NodeFailed& event) {
  return fmt::format("NodeFailed {}: {}", to_string(event.error.code), event.error.message);
}
std::string text(const MachineFailed& event) {
  return fmt::format("MachineFailed at {} {}: {}", event.index.value(), to_string(event.error.code),
                     event.error.message);
}
std::string text(const StorageFull& event) {
  return fmt::format("StorageFull {} room {}", event.full ? "yes" : "no", event.room);
}
std::string text(const EntrySkipped& event) {
  return fmt::format("EntrySkipped {} kind {}", event.index.value(), static_cast<unsigned>(event.kind));
}
std::string text(const NodeStopped&) { return "NodeStopped"; }

bool error(const RaftEvent& event) {
  if (const auto* rejected = std::get_if<MessageRejected>(&event)) {
    return rejected->reason == RejectReason::not_for_us || rejected->reason == RejectReason::malformed;
  }
  if (const auto* stall = std::get_if<StorageStalled>(&event)) return stall->stalled;
  return std::holds_alternative<FetchFailed>(event) || std::holds_alternative<ProtocolViolation>(event);
}
bool error(const NodeFailed&) { return true; }
bool error(const MachineFailed&) { return true; }
bool error(const StorageFull& event) { return event.full; }
bool error(const EntrySkipped&) { return true; }
bool error(const NodeStarted&) { return false; }
bool error(const NodeStopped&) { return false; }

}  // namespace

std::string describe(const Event& event) {
  const double seconds = std::chrono::duration<double>(event.at.time_since_epoch()).count();
  return fmt::format("#{} {:.6f} {}", event.number, seconds,
                     std::visit([](const auto& what) { return text(what); }, event.what));
}

bool is_error(const NodeEvent& what) {
  return std::visit([](const auto& event) { return error(event); }, what);
}

}  // namespace keel
