#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "keel/base/error.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/event.hpp"

namespace keel {

// The node's own events; the protocol's are in keel/raft/event.hpp.
struct NodeStarted {
  Term term;
  Index last;
};
// The node has stopped taking part for good, with the reason. A new Node on the same data is the way out, once the
// cause is mended.
struct NodeFailed {
  Error error;
};
// The state machine refused or threw: nothing is applied any more.
struct MachineFailed {
  Index index;  // of the first command of the batch that failed
  Error error;
};
// The log store has too little room left to take what a leader sends: this node drops appends, and still votes, until
// there is room again (`full` false).
struct StorageFull {
  bool full;
  std::uint64_t room;
};
// An entry of a kind that this build does not know: it stays in the log, and the state machine does not see it.
struct EntrySkipped {
  Index index;
  EntryKind kind;
};
struct NodeStopped {};

using NodeEvent =
    std::variant<RaftEvent, NodeStarted, NodeFailed, MachineFailed, StorageFull, EntrySkipped, NodeStopped>;

struct Event {
  std::uint64_t number = 0;  // 1, 2, 3, … without gaps among all events of a run
  Instant at;
  NodeEvent what;
};

// One line: number, time, name, fields.
[[nodiscard]] std::string describe(const Event& event);
// Whether it should never be seen in a healthy cluster: a failure, a full or stalled disk, a message that nobody should
// have sent. A test that did not provoke one fails when it sees one.
[[nodiscard]] bool is_error(const NodeEvent& what);

// Sees everything that happens, in order. Called on the node's executor after the turn's work is done; what it throws
// is caught and counted.
class Observer {
 public:
  virtual ~Observer() = default;
  // Which of the protocol's events are built for it; node events always are. Asked when it is added, and each time it is
  // added again.
  [[nodiscard]] virtual EventMask wants() const { return all_events; }
  virtual void on_event(const Event& event) = 0;
};

}  // namespace keel
