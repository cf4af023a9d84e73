#pragma once

#include <cstdint>
#include <optional>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/entry.hpp"

namespace keel {

// What travels with an entry beside its payload. Raft never looks at it. It lives in the frame's header, in the room
// before the payload, so it is written before the entry is framed and can be read after.
struct Envelope {
  WallTime wall_time{};          // the leader's, never below the entry before: the log's own time
  std::uint64_t session = 0;     // 0: none
  std::uint64_t sequence = 0;    // of the command within its session
  NodeId origin{};               // the node where the command was submitted, and its tag for it: brings the caller's
  std::uint64_t origin_tag = 0;  // context and answer together again when a command was forwarded

  bool operator==(const Envelope&) const = default;
};

namespace wire {

// Writes the envelope into the payload's head room. Before the payload is framed.
void set_envelope(Payload& payload, const Envelope& envelope);
// Of any payload that has passed through set_envelope or decoding.
[[nodiscard]] Envelope envelope_of(const Payload& payload);

}  // namespace wire
}  // namespace keel
