#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/port/executor.hpp"
#include "keel/port/pilot.hpp"
#include "keel/raft/raft.hpp"

namespace keel {

// What goes with a command beside its bytes.
struct SubmitOptions {
  EntryKind kind = EntryKind::command;     // or a kind of the application's own
  Context context = nullptr;               // comes to `apply` on this node while the command waits, and nowhere else
  std::optional<Term> expected_term = {};  // refuse with `wrong_term` in any other
  std::optional<Instant> deadline = {};    // on this node's clock; then `timed_out`, and the command may still apply;
                                           // one that is over already: `invalid`, and nothing was appended
  bool forward = true;                     // on a follower: pass it to the leader; else `not_leader`
  // Carried with the command to every machine, which may go by them; nothing in Keel does yet. 0: none.
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  // Two-stage completion, for those who want it: where the command was appended, before it is committed.
  std::move_only_function<void(LogPosition)> appended = {};
};

// How a command ended well: what the machine answered, and where the command stands in the log.
struct Applied {
  Reply reply;
  LogPosition position;
};

// How fresh a read must be.
enum class ReadLevel : std::uint8_t {
  linearizable,  // sees every write that was acknowledged before it was asked for, from any node
  local,         // whatever this node has applied: may be arbitrarily old
};

inline constexpr std::size_t reject_reasons = static_cast<std::size_t>(RejectReason::wrong_role) + 1;

enum class NodeState : std::uint8_t { running, failed, stopping, stopped };

struct NodeStatus {
  NodeState state = NodeState::running;
  std::optional<Error> failure;  // when failed, or when the state machine is broken
  RaftStatus raft;
  std::string leader_address;  // empty when not known
  std::string leader_data;
  LogStats log;
  std::size_t commands_waiting = 0;
  std::size_t reads_waiting = 0;
  std::uint64_t events = 0;  // number of the last event
  std::uint64_t rejected_messages = 0;
  std::array<std::uint64_t, reject_reasons> rejected{};  // the same, by RejectReason
  std::uint64_t caught_exceptions = 0;                   // thrown by observers, completions, transport: harmless here
};

struct NodeOptions {
  // Another seed at each start: by it are a late answer for a read (see RaftOptions::seed), and a forwarded command, told
  // apart from those of the last run.
  RaftOptions raft;
  std::size_t max_waiting_commands = 1u << 16;  // past it: `overloaded`
  // Bytes of commands passed on to a leader and not yet answered; past it: `overloaded`, but one alone always fits. To be
  // kept below what the transport queues for one peer: its queue, once full, is dropped whole.
  std::size_t max_forwarded_bytes = 32u << 20;
  std::size_t max_waiting_reads = 1u << 16;
  std::size_t max_apply_bytes = 1u << 20;  // in one batch for the state machine
  std::size_t max_apply_entries = 4096;
  std::uint64_t min_room = 4u << 20;  // bytes the log store must have left to accept a command
};

// Where answers to one received message go, if not through Transport::send: for transports that answer in place (RPC).
// Called on the executor, never from inside `receive`, any number of times, also none: everything that follows from the
// message at once and goes to its sender, even a question of this node's own. What has to wait for a disk waits with its
// path, which is kept until the last has gone. An answer that only a later message makes possible follows from that one:
// a follower's question for a read (ReadIndexRequest) is answered when others have confirmed it, so as a rule through the
// transport. What a path throws is caught and counted: to the protocol the message is lost.
using ReplyPath = std::function<void(PeerMessage)>;

// One running replica: drives a Raft on an executor over a Pilot. Owns no thread and no socket. Feed, then pump once:
// whatever a turn of the loop brings is taken in first, then everything there is to do is done, in one write, one
// gathered send a peer, one batch for the state machine.
//
// All calls on the executor. No completion runs from inside the call that took it. After `stop` none runs at all. A
// node may be stopped, and destroyed, from whatever it calls.
class Node final : private TransportReceiver {
 public:
  // Opens the log and starts. Errors: those of LogStore::open; `invalid` options; `unsupported` when the pilot has a
  // snapshot store; `not_found` when the log is empty (see `bootstrap`); `invalid` when the state machine is ahead of the
  // log, `compacted` when the log begins behind it; `failed` when a part throws. After an error a log store that could be
  // opened is closed; one that could not is left as it is, and options are looked at before any is opened.
  static Result<std::unique_ptr<Node>> start(NodeOptions options, Pilot pilot, Executor& executor);
  // The same for the first start of a cluster's first voters: makes the log begin with the cluster's first entry, which
  // must be the same on each. Errors: as above; `invalid` when this node is not among its members; `exists` when the log
  // is not empty.
  //
  // Once in a voter's life. One that has lost its log has lost its promises too, and must not come back this way.
  static Result<std::unique_ptr<Node>> bootstrap(const Genesis& genesis, NodeOptions options, Pilot pilot,
                                                 Executor& executor);
  ~Node() override;

  // Replicates a command; `done` gets the state machine's answer once it is applied here, or an error of one of three
  // classes (`outcome_of`): not appended, discarded, unknown. The bytes are copied before it returns.
  //
  // A node that loses its leadership, or its uncommitted entries, tells nobody anything: the commands go on waiting until
  // it applies them after all, or an entry that proves that they never will be (`discarded`: of another term at their
  // index, or of a later term before it; every new leader's first entry is one). A caller who would rather not wait for
  // a node that is cut off sets a deadline. Without one a command passed on to the leader ends with `timed_out` after
  // ten election timeouts, and one appended here when its fate is known or the node stops.
  //
  // What is passed on is appended at most once, and only in the term of the leader it was meant for; what the network
  // repeats is dropped. A node that fails ends commands with `storage_failed` or `failed` (unknown), or `stopping` if
  // they are in no log.
  void submit(ByteView command, SubmitOptions options, Completion<Applied> done);

  // When `done` gets an index the state machine, as it is then, may serve the read. Errors: `no_leader`,
  // `leadership_lost`, `overloaded`, `timed_out`, `stopping`, `failed`; a read is always safe to try again.
  void read(ReadLevel level, std::optional<Instant> deadline, Completion<Index> done);

  // Hands leadership over; done when `target` is heard to lead. Errors: `not_leader`, `no_leader`, `invalid` (the target
  // could not lead, or leads; or another transfer has taken this one's place), `not_found` (it left the cluster),
  // `timed_out` (it did not take over within an election timeout, and this node leads on; or this node's leadership
  // ended and nobody has been heard to lead for two), `leadership_lost` (another leads), `stopping`, `failed`.
  void transfer_leadership(NodeId target, Completion<void> done);

  // Fires a timer, armed or not, as if its time had come: for tests, and to hurry an election.
  void expire(Timer timer);
  // A leader gives up its role at once; nothing on any other node.
  void step_down();

  // For transports that bring messages themselves. Also what the attached Transport calls.
  void receive(PeerMessage message, ReplyPath reply_path = {});

  // Another observer beside the pilot's, until it is removed; it must outlive that. Allowed from inside on_event. One that
  // is there already, the pilot's too, is only asked anew what it wants.
  void add_observer(Observer& observer);
  void remove_observer(Observer& observer);

  [[nodiscard]] NodeStatus status() const;
  // The last errors among the events (`is_error`), oldest first; a bounded number of them.
  [[nodiscard]] std::vector<Event> recent_errors() const;
  [[nodiscard]] const Raft& raft() const;

  // Stops: everything waiting ends with `stopping` (not yet appended) or `leadership_lost` (unknown) before this
  // returns; afterwards none of these completions fires and the pilot's parts are not called. Calls that come later end
  // with `stopping`, by a task of their own on the executor.
  void stop();

 private:
  struct Parts;
  explicit Node(std::shared_ptr<Parts> parts);
  static Result<std::unique_ptr<Node>> open(const Genesis* genesis, NodeOptions options, Pilot pilot,
                                            Executor& executor);
  void on_message(PeerMessage message) override;
  void on_unreachable(NodeId peer) override;
  std::shared_ptr<Parts> parts_;  // shared with what is posted, so that a node may be destroyed by what it calls
};

}  // namespace keel
