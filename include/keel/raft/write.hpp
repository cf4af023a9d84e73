#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "keel/raft/configuration.hpp"
#include "keel/raft/entry.hpp"

namespace keel {

// Numbers the writes of one Raft, from 1. Write n is durable only when all before it are.
using WriteId = Ordinal<struct WriteTag>;

// What a server must not forget (Raft, Figure 2). Both together, in one write.
struct HardState {
  Term term;
  NodeId vote{};  // nobody: not voted in `term`
  bool operator==(const HardState&) const = default;
};

// The point before a log's first entry: everything up to it is in a snapshot (or there is nothing: index 0).
struct LogBase {
  LogPosition position;
  std::shared_ptr<const Genesis> genesis;              // null only when nothing was ever written
  std::shared_ptr<const Configuration> configuration;  // committed at `position`
};

// Everything that ever changes a log is in a WriteBatch, so nothing can overtake anything. What is in it takes effect
// in the order of its members.
struct WriteBatch {
  std::optional<HardState> hard_state;
  std::optional<LogBase> reset_to;     // drop the whole log, start after this position (a snapshot was installed)
  std::optional<Index> truncate_from;  // drop this entry and all behind it
  std::vector<Entry> entries;          // appended in order, the first right behind what is there
  std::optional<Index> compact_to;     // entries up to here are in a snapshot and may go
  [[nodiscard]] bool empty() const {
    return !hard_state && !reset_to && !truncate_from && entries.empty() && !compact_to;
  }
  void clear() {
    hard_state.reset();
    reset_to.reset();
    truncate_from.reset();
    entries.clear();
    compact_to.reset();
  }
};

// What a store found at open: all that Raft needs to know of a log without reading its entries.
struct Recovered {
  HardState hard_state;
  LogBase base;
  std::vector<TermRun> terms;         // of the entries behind the base, ascending, runs merged
  std::vector<Entry> configurations;  // the genesis and configuration entries behind the base, ascending
  Index last;                         // the last entry's index; the base's if there is none
  std::vector<IndexRange> untrusted;  // known to have existed and damaged since; disjoint, ascending
  // The highest entry this node may have acknowledged. Beyond `last` only when damage cost us the end of the log: the
  // node then does not vote until its log reaches it again.
  LogPosition acknowledged;
};

}  // namespace keel
