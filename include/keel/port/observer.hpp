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
struct NodeStopped {};

using NodeEvent = std::variant<RaftEvent, NodeStarted, NodeFailed, MachineFailed, NodeStopped>;

struct Event {
  std::uint64_t number = 0;  // 1, 2, 3, … without gaps among all events of a run
  Instant at;
  NodeEvent what;
};

[[nodiscard]] std::string describe(const Event& event);

// Sees everything that happens, in order. Called on the node's executor after the turn's work is done; what it throws
// is caught and counted.
class Observer {
 public:
  virtual ~Observer() = default;
  // Which of the protocol's events are built for it; node events always are.
  [[nodiscard]] virtual EventMask wants() const { return all_events; }
  virtual void on_event(const Event& event) = 0;
};

}  // namespace keel
