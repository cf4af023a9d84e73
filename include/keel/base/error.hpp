#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace keel {

// The closed list of what can go wrong. Outcomes of commands fall into three classes, see `outcome_of`.
enum class ErrorCode : std::uint8_t {
  // Not appended: the command is in no log and never will be; trying again is safe.
  not_leader,  // `Error::leader` names the leader if it is known
  no_leader,   // nobody leads as far as this node knows; try again later
  overloaded,  // a bound was reached (commands, bytes, room on disk)
  too_large,   // larger than an entry may be
  wrong_term,  // the command named a term that is over
  stopping,    // the node is stopping or has stopped
  // Discarded: an entry of another term is committed at its index. It will never apply.
  discarded,
  // Unknown: the command may still apply, so trying again may apply it twice. (There are no sessions yet to prevent it.)
  timed_out,
  leadership_lost,
  storage_failed,
  // Everything else that operations may report.
  invalid,            // the caller's arguments do not fit; as a command's end: not appended
  corrupt,            // bytes that do not check out
  io,                 // the operating system refused
  wrong_cluster,      // data or peer of another cluster
  wrong_node,         // data or peer of another node or group
  wrong_incarnation,  // same node id, other disk
  wrong_version,      // a format this build cannot read
  locked,             // another process holds the data directory
  exists,             // made already
  not_found,
  compacted,  // the entries are gone behind a snapshot
  unsupported,
  failed,  // the node or state machine is inert after an earlier failure; as a command's end: unknown
};

// What a caller may believe about a command that ended with this code.
enum class Outcome : std::uint8_t { not_appended, discarded, unknown };

[[nodiscard]] std::string_view to_string(ErrorCode code);
[[nodiscard]] std::string_view to_string(Outcome outcome);
// The class of a command's error. Codes that no command ends with count as `unknown`, the class that promises nothing.
[[nodiscard]] Outcome outcome_of(ErrorCode code);

// What happened, in a form for programs (`code`) and for people (`message`: what was wrong, where, what to do).
struct Error {
  ErrorCode code;
  std::string message;
  std::uint64_t leader = 0;  // with `not_leader`: the leader's NodeId, 0 if not known

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message), 0});
}

}  // namespace keel
