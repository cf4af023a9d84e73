#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "keel/raft/event.hpp"
#include "keel/raft/message.hpp"
#include "keel/raft/write.hpp"

namespace keel {

// A message that depends on a write: it must not leave before the write is durable.
struct HeldMessage {
  WriteId after;
  Message message;
};

struct Write {
  WriteId id;
  WriteBatch batch;
};

// A lagging peer needs entries that are no longer in memory: as many of this range as fit in `max_bytes` of payload, at
// least one. Answer with `fetched` or `fetch_failed`, handing it back.
struct Fetch {
  NodeId peer;
  Term term;
  std::uint64_t request = 0;
  IndexRange range;
  std::size_t max_bytes = 0;
};

using ReadId = Ordinal<struct ReadTag>;

// The read may be served once entries up to `index` are applied here; without an index it could not be confirmed
// (leadership changed, nobody leads) and must be asked again.
struct ReadReady {
  ReadId id;
  std::optional<Index> index;
};

// Everything there is to do, taken once a turn. Reused: taking swaps vectors, so that nothing is allocated anew.
struct Output {
  std::optional<Write> write;
  std::vector<Message> send;  // may leave now
  std::vector<HeldMessage> send_after_write;
  IndexRange apply{Index(1), Index(0)};  // newly committed and durable here; ranges follow one another
  std::vector<Fetch> fetch;
  std::vector<NodeId> send_snapshot;  // peers that need what is compacted away
  std::vector<ReadReady> reads_ready;
  std::shared_ptr<const Configuration> members;  // set when who there is has changed
  std::vector<RaftEvent> events;

  [[nodiscard]] bool empty() const {
    return !write && send.empty() && send_after_write.empty() && apply.empty() && fetch.empty() &&
           send_snapshot.empty() && reads_ready.empty() && members == nullptr && events.empty();
  }
};

}  // namespace keel
