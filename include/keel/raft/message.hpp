#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/entries.hpp"

namespace keel {

// Messages are one-way values: a transport may lose, delay, reorder and repeat them. Each has the least it can do with.

// RequestVote (Raft, Figure 2) and its rehearsal, PreVote (thesis 9.6). A pre-vote carries the term that the candidate
// would campaign in; nobody adopts it.
struct VoteRequest {
  bool pre_vote = false;
  bool for_transfer = false;  // the leader itself asked for this campaign: stickiness does not apply
  LogPosition last;           // the end of the candidate's log
  bool operator==(const VoteRequest&) const = default;
};

enum class Refusal : std::uint8_t {
  none = 0,
  leader_alive = 1,       // stickiness (thesis 4.2.3)
  voted_for_another = 2,  // `voted_for` says whom
  log_behind = 3,
  old_term = 4,
  not_ready = 5,  // the voter may not vote yet: a promise that it may have made
};

// A granted pre-vote carries the term asked for; every other reply the voter's own.
struct VoteReply {
  bool pre_vote = false;
  bool granted = false;
  Refusal refusal = Refusal::none;
  NodeId voted_for{};  // whom the voter chose in this term, so that a candidate sees a split vote at once
  bool operator==(const VoteReply&) const = default;
};

// AppendEntries (Raft, Figure 2). Without entries it asks "is `previous` in your log?".
struct AppendRequest {
  LogPosition previous;
  Index commit;
  Entries entries;
  bool operator==(const AppendRequest&) const = default;
};

// Fixed in size. Accepted: `index` is the last index that the *request* verified (previous + count).
// Refused: `index` is the request's previous index; `hint` is the last entry of this log at or before it whose term is
// not above the request's previous term: everything between cannot match, so each probe skips a whole term (H6).
// Refused because the request's term is over: all zero.
struct AppendReply {
  bool accepted = false;
  Index index;
  LogPosition hint;
  bool operator==(const AppendReply&) const = default;
};

// Says that the leader lives, how far the receiver may commit, and asks for confirmation of a round. Answered before
// any disk: it confirms leadership, never entries. Round 0 wants no answer (an eager commit notice).
struct Heartbeat {
  Index commit;             // never above what this receiver is known to hold
  std::uint64_t round = 0;  // the leader's own, ascending in its term
  Duration promise{};       // for how long the receiver is asked not to vote; 0 asks none
  bool operator==(const Heartbeat&) const = default;
};
struct HeartbeatReply {
  std::uint64_t round = 0;
  Duration promise{};
  bool operator==(const HeartbeatReply&) const = default;
};

// "Campaign now" (thesis 3.10). `last` is what the target must hold for the transfer to make sense.
struct TimeoutNow {
  LogPosition last;
  bool operator==(const TimeoutNow&) const = default;
};

// A follower's linearizable reads (thesis 6.4): one request covers all that wait at the follower.
struct ReadIndexRequest {
  std::uint64_t context = 0;  // the follower's own number, echoed
  bool operator==(const ReadIndexRequest&) const = default;
};
struct ReadIndexReply {
  std::uint64_t context = 0;
  bool confirmed = false;  // false: this node cannot tell; ask again
  Index index;
  bool operator==(const ReadIndexReply&) const = default;
};

using MessageBody = std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, Heartbeat, HeartbeatReply,
                                 TimeoutNow, ReadIndexRequest, ReadIndexReply>;

struct Message {
  GroupId group;
  NodeId from;
  NodeId to;
  Term term;
  MessageBody body;
  bool operator==(const Message&) const = default;
};

// The message's name, as in the types above; a vote's also says whether it is a rehearsal.
[[nodiscard]] std::string_view name_of(const MessageBody& body);
// One short line: `Vote? 3→1 t7 last 41@6`.
[[nodiscard]] std::string short_form(const Message& message);
// Every field, by name.
[[nodiscard]] std::string long_form(const Message& message);

}  // namespace keel
