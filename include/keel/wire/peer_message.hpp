#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/payload.hpp"
#include "keel/raft/message.hpp"

namespace keel {

// A command that a node passes on to the leader for one of its callers. At most once: it is never repeated by Keel, a
// leader drops what the network repeats, and in no other term than the expected one is it appended.
struct ForwardRequest {
  std::uint64_t tag = 0;  // the sender's own; comes back in the reply and in the entry's envelope
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  Term expected_term;  // 0: any
  Payload command;
  EntryKind kind = EntryKind::command;
  bool operator==(const ForwardRequest&) const = default;
};

// Where the command was appended, or why it was not. The answer itself comes from the sender's own state machine, when
// the entry with its tag is applied there.
struct ForwardReply {
  std::uint64_t tag = 0;
  LogPosition position;  // index 0: refused, see `refusal`
  ErrorCode refusal = ErrorCode::no_leader;
  NodeId leader{};  // with `not_leader`
  bool operator==(const ForwardReply&) const = default;
};

// What one node may say to another about one group: the protocol's messages and the node's own.
struct PeerMessage {
  GroupId group;
  NodeId from;
  NodeId to;
  std::variant<Message, ForwardRequest, ForwardReply> body;
  bool operator==(const PeerMessage&) const = default;
};

}  // namespace keel
