#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keel/port/completion.hpp"
#include "keel/raft/entry.hpp"
#include "keel/wire/envelope.hpp"

namespace keel {

// A command's answer: bytes, the same on every node. An error that the machine *returns* is an answer like any other.
using Reply = std::string;  // may be left empty where the command comes without its context: nobody waits there

// The caller's own object, given with a command: it comes to `apply` on the node where the command was submitted, and
// back with the answer. Never on the wire, null everywhere else.
using Context = std::shared_ptr<void>;

// One committed entry that is not Raft's own: a command, or a kind of the application's.
struct Command {
  Index index;
  Term term;
  EntryKind kind;
  ByteView bytes;  // valid until the batch is done
  Envelope envelope;
  Context context;
};

// What apply answers: a reply for each command of the batch, in order.
using Replies = std::vector<Reply>;

// A stream of a machine's state at one index, read piece by piece on the node's executor while commands go on.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // The next bytes, at most `max_bytes`; empty at the end.
  virtual void read(std::size_t max_bytes, Completion<std::vector<std::byte>> done) = 0;
};

// The user's state machine. It sees each committed command once in a run, in the order of the log, on every node the
// same; what it does must depend on nothing else. All calls on the node's executor; `done` may be called at once.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Asked once, before anything else: everything up to this index is in the machine already and will not come again.
  // A machine that keeps nothing on disk answers Index(0).
  virtual Index applied() = 0;

  // Applies commands; at most one batch is outstanding. An error (or an exception) means that the machine is broken:
  // the node stops applying and says so. `up_to` is the index reached when the batch is done: entries of Raft's own
  // lie between and behind the commands, so a durable machine stores it with its changes. The span, and the bytes in it,
  // are valid until then.
  virtual void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) = 0;

  // A consistent source of the state as of the last applied batch; returns at once. `unsupported` if it has none.
  virtual Result<std::unique_ptr<SnapshotSource>> snapshot() { return fail(ErrorCode::unsupported, "no snapshots"); }
  // Replaces the whole state by what `source` yields; the state is then that at `index`.
  virtual void restore(std::unique_ptr<SnapshotSource> source, Index index, Completion<void> done) {
    (void)source, (void)index;
    done(fail(ErrorCode::unsupported, "this state machine restores no snapshots"));
  }

  // These entries, the end of this node's log, are gone from it before they were committed here. They may return: another
  // node may hold them and win. For machines that act when a command is appended; what they did is undone from the last on.
  virtual void truncated(IndexRange range) { (void)range; }
};

}  // namespace keel
