#pragma once

#include <cstddef>
#include <cstdint>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/event.hpp"

namespace keel {

struct RaftOptions {
  NodeId id{};
  GroupId group{};
  // Of all randomness: the timeouts, and where a follower's questions for reads begin to count. Give each node another,
  // and another at each *start*: by their numbers alone are the answers to questions of an earlier life told apart from
  // ours, and one of those that comes late would release a read too old.
  std::uint64_t seed = 1;

  // A follower that hears nothing for a time drawn from [election_timeout, 2 × election_timeout) campaigns.
  Duration election_timeout = std::chrono::milliseconds(1000);
  Duration heartbeat_interval = std::chrono::milliseconds(100);
  // A leader whose own write is outstanding this long steps down, and nobody campaigns with such a disk. 0: never;
  // at most an hour.
  Duration write_stall_timeout = std::chrono::milliseconds(4000);

  bool pre_vote = true;      // thesis 9.6
  bool check_quorum = true;  // thesis 6.2
  bool stickiness = true;    // thesis 4.2.3; wants check_quorum, or a deaf leader could stay for ever
  bool split_vote_detection = true;
  bool eager_commit = true;  // tell followers of a commit at once, not with the next message

  std::size_t max_entry_bytes = 8u << 20;
  std::size_t max_append_bytes = 1u << 20;  // entries in one message; one entry always fits
  std::size_t max_append_entries = 4096;
  std::size_t max_inflight_messages = 64;  // unanswered, to one peer
  // To be kept, with what a node may forward, below what the transport queues for one peer: a queue that overflows is
  // dropped whole, and its peer is probed again.
  std::size_t max_inflight_bytes = 32u << 20;
  // Proposed, and not yet both committed and durable here (so they must be in memory); past it: `overloaded`.
  std::size_t max_uncommitted_bytes = 128u << 20;
  std::size_t log_cache_bytes = 64u << 20;  // of entries that need not be in memory any more
  std::size_t max_pending_reads = 65536;

  EventMask events = all_events;
};

// Errors: `invalid`, naming the field, its value and what is allowed.
[[nodiscard]] Result<void> validate(const RaftOptions& options);

}  // namespace keel
