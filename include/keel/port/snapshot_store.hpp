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

// Where snapshots are kept. A snapshot becomes visible whole or not at all. All calls on the node's executor.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  // The snapshots there are, oldest first. Errors: `corrupt`, `io`, `wrong_version`.
  virtual Result<std::vector<SnapshotInfo>> list() = 0;
  // Reads `source` to its end and keeps it; durable when `done` runs.
  virtual void save(LogBase base, std::unique_ptr<SnapshotSource> source, Completion<SnapshotInfo> done) = 0;
  virtual Result<std::unique_ptr<SnapshotSource>> open(Index index) = 0;
  virtual void drop(Index index, Completion<void> done) = 0;
};

}  // namespace keel
