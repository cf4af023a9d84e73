#pragma once

#include <memory>
#include <vector>

#include "keel/port/completion.hpp"
#include "keel/port/state_machine.hpp"
#include "keel/raft/write.hpp"

namespace keel {

struct SnapshotInfo {
  LogBase base;  // the state is that after the entry at this position
  std::uint64_t bytes = 0;
};

// Where snapshots are kept. A snapshot becomes visible whole or not at all. All calls on the node's executor, and so do
// completions run; one may run before the call that took it returns.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  // The snapshots there are, oldest first. Errors: `corrupt`, `io`, `wrong_version`.
  virtual Result<std::vector<SnapshotInfo>> list() = 0;
  // Reads `source` to its end and keeps it; durable when `done` runs. Owns the source, and drops it before `done`. One
  // save at a time. Errors: `overloaded` (no room), `io`, `exists` (one at this index is there), and the source's own;
  // nothing is kept then, and the snapshots there were are untouched.
  virtual void save(LogBase base, std::unique_ptr<SnapshotSource> source, Completion<SnapshotInfo> done) = 0;
  // The caller owns the source. Dropping the snapshot meanwhile does not disturb it. Errors: `not_found`, `corrupt`, `io`,
  // `wrong_version`.
  virtual Result<std::unique_ptr<SnapshotSource>> open(Index index) = 0;
  // Gone when `done` runs, also after a power cut. Errors: `not_found`, `io`.
  virtual void drop(Index index, Completion<void> done) = 0;
};

}  // namespace keel
