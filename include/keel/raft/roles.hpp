#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "keel/base/time.hpp"
#include "keel/raft/event.hpp"
#include "keel/raft/output.hpp"
#include "keel/raft/ring.hpp"

namespace keel {

// What only a role has lives in that role: nobody else can touch it.

struct FollowerRead {
  ReadId id;
  std::uint64_t context = 0;  // of the request that first asked for it; 0: not asked yet
  bool operator==(const FollowerRead&) const = default;
};

struct Follower {
  NodeId leader{};
  Instant heard{};                  // from that leader
  std::vector<FollowerRead> reads;  // waiting for the leader's word
  Instant asked{};                  // when that word was last asked for
  bool ask_again = false;
  bool operator==(const Follower&) const = default;
};

struct Ballot {
  NodeId voter;
  bool granted = false;
  NodeId chosen{};  // whom the voter is known to have chosen in this term
  bool operator==(const Ballot&) const = default;
};

struct Candidate {
  bool pre_vote = false;
  bool for_transfer = false;
  std::vector<Ballot> ballots;  // our own is among them only once it is durable (H13)
  bool operator==(const Candidate&) const = default;
};

struct Inflight {
  Index last;
  std::size_t bytes = 0;
  bool operator==(const Inflight&) const = default;
};

// A leader's view of one peer. Probe: one request at a time until the logs are known to meet. Pipeline: requests leave
// ahead of their answers, within a window. Snapshot: what the peer needs is compacted away.
struct Progress {
  NodeId id;
  ReplicationState state = ReplicationState::probe;
  Index match;                 // known to be in the peer's log, durable
  Index next = Index(1);       // sent next
  bool probing = false;        // a probe is unanswered
  std::uint64_t fetching = 0;  // the fetch under way; 0: none
  Ring<Inflight> inflight;
  std::size_t inflight_bytes = 0;
  bool moved = false;  // an answer came since the last heartbeat
  Index commit_sent;
  std::uint64_t round = 0;  // the last heartbeat round it confirmed
  Instant heard{};
  bool operator==(const Progress&) const = default;
};

struct LeaderRead {
  ReadId id;                  // 0 for a follower's
  NodeId from{};              // that follower
  std::uint64_t context = 0;  // and its number
  Index index;
  std::uint64_t round = 0;  // confirmed when a quorum has answered this round; 0: none sent yet
  bool operator==(const LeaderRead&) const = default;
};

struct Transfer {
  NodeId target;
  Instant deadline;
  bool asked = false;      // "campaign now" has left
  bool ask_again = false;  // it may have been lost
  bool operator==(const Transfer&) const = default;
};

struct Leader {
  Index term_start;    // of its own term-start entry
  bool ready = false;  // that entry is applied here
  std::vector<Progress> peers;
  std::uint64_t round = 0;  // of heartbeats
  Instant heartbeat_due{};
  Ring<LeaderRead> reads;  // in the order of their rounds
  std::uint64_t fetches = 0;
  std::optional<Transfer> transfer;
  std::size_t uncommitted_bytes = 0;  // of its own entries behind `released`
  Index released;                     // up to here they are committed and durable here: nothing keeps them in memory
  bool operator==(const Leader&) const = default;

  [[nodiscard]] Progress* find(NodeId id);
};

using Role = std::variant<Follower, Candidate, Leader>;

}  // namespace keel
