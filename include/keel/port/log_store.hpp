#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "keel/port/completion.hpp"
#include "keel/raft/write.hpp"

namespace keel {

struct LogStats {
  Index first;  // the first entry held; behind `last` if none is
  Index last;
  std::uint64_t bytes = 0;  // on disk, entries and overhead
  std::uint64_t room = 0;   // bytes of entries, framed, that can be accepted and still be written for certain; when a
                            // node sees too little it refuses commands with `overloaded`, so that a full disk is never
                            // a failed write. At 0 there is still space for votes and a leader's own entries.
  std::uint64_t syncs = 0;  // since open
  std::uint64_t bytes_written = 0;
};

// A LogStore keeps one replica's log and its vote. It is the only thing Raft needs to survive a crash. It is one
// group's view of something that may be shared by many.
//
// Writes are asynchronous. `write` returns at once; `done` runs on the node's executor when everything in the batch is
// durable, that is, when a power cut would not lose it. After a crash, `open` finds a prefix of what was written, at
// least up to the last batch whose `done` ran: never a later batch without an earlier one, and within a batch the order
// is vote, reset, truncation, entries, compaction. Completions run in the order of the writes.
//
// An error passed to `done` is final: the node stops, and the store is not used again, but for `stats` and
// `close` (Rebello et al., "Can applications recover from fsync failures?", 2020: a page that failed to sync once may
// read back as clean).
//
// Entries handed to `write` are framed (wire/frame.hpp); their payloads are shared, not copied, until `done`.
// All calls on the node's executor.
class LogStore {
 public:
  virtual ~LogStore() = default;

  // What the last run left behind. Called once, before anything else; may block.
  // Errors: `corrupt` (names file and offset), `io`, `overloaded` (no space for what a first start makes), `locked`,
  // `wrong_cluster`, `wrong_node`, `wrong_version`.
  virtual Result<Recovered> open() = 0;

  virtual void write(WriteBatch batch, Completion<void> done) = 0;

  // Entries from range.first on, in order, as many as fit in `max_bytes` of payload but at least one, none behind
  // range.last. Sees every write made before it, durable or not.
  // Errors: `compacted` (range.first is gone), `not_found` (behind the end), `corrupt`, `io`.
  virtual void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) = 0;

  [[nodiscard]] virtual LogStats stats() const = 0;

  // No completion runs after this returns. What was written and not yet reported may or may not be durable.
  virtual void close() = 0;
};

}  // namespace keel
