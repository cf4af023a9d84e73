// What was committed, out: to the state machine, and its answers to whoever waits for them.
#include "node/parts.hpp"

namespace keel {

Context Node::Parts::context_of(const Entry& entry, const Envelope& envelope) {
  if (envelope.origin == options.raft.id) return forwards.context_of(envelope.origin_tag);
  return commands.context_at({entry.term, entry.index});
}

void Node::Parts::applied(const Entry& entry, const Envelope* envelope, Reply* reply) {
  const LogPosition position{entry.term, entry.index};
  if (envelope != nullptr && envelope->origin == options.raft.id) {
    forwards.applied(envelope->origin_tag, position, std::move(*reply), drain);
  } else {
    commands.applied(position, reply, drain);
  }
  forwards.term_applied(position, drain);
}

void Node::Parts::skipped(const Entry& entry) { events.record(EntrySkipped{entry.index, entry.kind}); }

// Nothing is applied here any more, so nobody here can be answered. The node goes on voting and keeping the log, which
// the others may need; it must not lead.
void Node::Parts::machine_failed(Index first, Error error) {
  if (!runs() || machine_broken) return;
  machine_broken = true;
  applier.stop();
  failure = error;
  events.record(MachineFailed{first, error});
  const Error waiting{ErrorCode::failed, "this node's state machine has failed (" + error.message +
                                             "); the command may still apply on the other nodes"};
  commands.end_all(issued, waiting, waiting, drain);
  forwards.end_all(waiting, drain);
  reads.end_all({ErrorCode::failed, "this node's state machine has failed: " + error.message}, drain);
  feed([this] { hand_over(); });
}

void Node::Parts::log_unreadable(Error error) {
  error.message = "a committed entry cannot be read back: " + error.message;
  fail(error, ErrorCode::storage_failed);
  wake();
}

void Node::Parts::truncated(IndexRange range) {
  if (machine_broken) return;
  try {
    pilot.machine.truncated(range);
  } catch (const std::exception& e) {
    machine_failed(range.first, {ErrorCode::failed, std::string("the state machine threw on truncation: ") + e.what()});
  } catch (...) {
    machine_failed(range.first, {ErrorCode::failed, "the state machine threw on truncation"});
  }
}

}  // namespace keel
