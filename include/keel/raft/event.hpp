#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "keel/base/error.hpp"
#include "keel/raft/configuration.hpp"
#include "keel/raft/message.hpp"

namespace keel {

enum class RoleName : std::uint8_t { follower, candidate, leader };
enum class ReplicationState : std::uint8_t { probe, pipeline, snapshot };

// Why a message was not acted upon. All of them are harmless; those marked so should never be seen.
enum class RejectReason : std::uint8_t {
  old_term,
  stranger,    // from nobody in the configuration
  not_for_us,  // another node or group (unexpected)
  stale,       // an answer to a question no longer asked
  malformed,   // its fields contradict each other (unexpected)
  wrong_role,  // nobody in this role can use it
};

enum class StepDownReason : std::uint8_t {
  higher_term,
  lost_quorum,   // CheckQuorum (thesis 6.2)
  disk_stalled,  // its own write has been outstanding too long
  removed,
  asked,
};

enum class TransferEnd : std::uint8_t {
  done,  // the target was asked, and a higher term came: who leads it is told by LeaderChanged
  timed_out,
  replaced,
  target_gone,
  lost_leadership,
};

struct RoleChanged {
  RoleName role;
  Term term;
};
struct TermChanged {
  Term term;
};
struct LeaderChanged {
  NodeId leader;  // nobody: not known
  Term term;
};
struct CampaignStarted {
  bool pre_vote;
  bool for_transfer;
  Term term;  // the one campaigned for
};
struct VoteCast {
  NodeId candidate;
  Term term;
};
struct SplitVote {
  Term term;
};
// The term-start entry is applied here: this leader can serve.
struct LeaderReady {
  Term term;
};
struct SteppedDown {
  Term term;  // the one it led
  StepDownReason reason;
};
struct CommitAdvanced {
  Index commit;
};
struct EntriesAppended {
  IndexRange range;
  Term term;  // the node's
};
// Gone from this node's log; another node may hold them and bring them back.
struct EntriesTruncated {
  IndexRange range;
};
struct ConfigurationInForce {
  Index index;
  std::shared_ptr<const Configuration> configuration;
};
struct PeerStateChanged {
  NodeId peer;
  ReplicationState state;
};
struct MessageRejected {
  NodeId from;
  std::string_view type;
  RejectReason reason;
};
struct TransferStarted {
  NodeId target;
};
struct TransferEnded {
  NodeId target;
  TransferEnd end;
};
struct StorageStalled {
  bool stalled;  // false: it moves again
};
// Entries that a peer needs could not be read back, or were not those of this log: it gets nothing until it answers
// again, and they are read again then.
struct FetchFailed {
  NodeId peer;
  IndexRange range;
  Error error;
};
// The protocol itself is broken (two leaders in a term, a conflict below the commit index): the node must fail. Built
// whatever events are wanted.
struct ProtocolViolation {
  std::string what;
};

using RaftEvent =
    std::variant<RoleChanged, TermChanged, LeaderChanged, CampaignStarted, VoteCast, SplitVote, LeaderReady,
                 SteppedDown, CommitAdvanced, EntriesAppended, EntriesTruncated, ConfigurationInForce, PeerStateChanged,
                 MessageRejected, TransferStarted, TransferEnded, StorageStalled, FetchFailed, ProtocolViolation>;

// One bit for each alternative of RaftEvent, in order; events nobody wants are not built.
using EventMask = std::uint32_t;
inline constexpr EventMask all_events = ~EventMask{0};

template <class E, std::size_t I = 0>
consteval EventMask bit_of() {
  if constexpr (std::is_same_v<E, std::variant_alternative_t<I, RaftEvent>>) {
    return EventMask{1} << I;
  } else {
    return bit_of<E, I + 1>();
  }
}

[[nodiscard]] std::string_view to_string(RoleName role);
[[nodiscard]] std::string_view to_string(ReplicationState state);
[[nodiscard]] std::string_view to_string(RejectReason reason);
[[nodiscard]] std::string_view to_string(StepDownReason reason);
[[nodiscard]] std::string_view to_string(TransferEnd end);
// The event's name, and one line with its fields.
[[nodiscard]] std::string_view name_of(const RaftEvent& event);
[[nodiscard]] std::string describe(const RaftEvent& event);

}  // namespace keel
