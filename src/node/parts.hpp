#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/node/node.hpp"
#include "node/applier.hpp"
#include "node/commands.hpp"
#include "node/drain.hpp"
#include "node/events.hpp"
#include "node/forwards.hpp"
#include "node/log_clock.hpp"
#include "node/outbox.hpp"
#include "node/reads.hpp"

namespace keel {

// The events that the node itself acts upon; see `on_event`.
inline constexpr EventMask acted_upon = bit_of<RoleChanged>() | bit_of<LeaderChanged>() | bit_of<EntriesTruncated>() |
                                        bit_of<TransferEnded>() | bit_of<ProtocolViolation>();

// One node, put together: each job is a part of its own; what is here is who feeds the core when, and what is done with
// its output. Shared, so that what is posted or asked for may outlive the Node and find it gone.
struct Node::Parts final : std::enable_shared_from_this<Node::Parts>, ApplySink {
  Parts(const NodeOptions& node_options, Pilot pilot_parts, Executor& loop, Raft core, Index machine_applied);

  // node.cpp: life and death.
  void begin();
  void fail(const Error& why, ErrorCode waiting);
  void stop();
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] bool runs() const { return state == NodeState::running; }
  [[nodiscard]] std::weak_ptr<const void> alive() const { return weak_from_this(); }

  // pump.cpp: the turn.
  void wake() override;
  void pump();
  void round();
  void turn();
  [[nodiscard]] bool has_more() const;
  void perform(Output& out, const Route* route);
  void prepare(std::vector<Entry>& entries);
  void issue(Write& write);
  void frame(std::vector<Entry>& entries);
  void written(WriteId id, Result<void> result);
  void fetch(const Fetch& wanted);
  void arm_timer();
  void stamp();
  template <class Input>
  void guard(Input input);
  template <class Input>
  void feed(Input input);
  template <class Call>
  void quietly(Call call);
  void receive(PeerMessage message, ReplyPath path);
  void receive_from_raft(Message message, const Route* route);
  [[nodiscard]] bool has_room_for(const Message& message);
  [[nodiscard]] std::uint64_t room();
  [[nodiscard]] PeerMessage to_peer(NodeId to, decltype(PeerMessage::body) body) const;

  // submit.cpp: commands in.
  void submit(ByteView bytes, SubmitOptions submitted, Completion<Applied> done);
  [[nodiscard]] std::optional<Error> refusal(ByteView bytes, const SubmitOptions& submitted) const;
  [[nodiscard]] std::optional<Error> no_room_for(std::size_t bytes);
  Result<LogPosition> propose(EntryKind kind, Payload payload, Envelope envelope, std::optional<Term> expected);
  [[nodiscard]] std::optional<Error> too_much_to_forward(std::size_t bytes) const;
  [[nodiscard]] Error not_leading() const;
  void forward(ByteView bytes, SubmitOptions submitted, Completion<Applied> done);
  void on(NodeId from, ForwardRequest request, const Route* route);
  void on(NodeId from, const ForwardReply& reply);
  void reject(NodeId from, std::string_view type, RejectReason reason);

  // apply.cpp: what was committed, out.
  Context context_of(const Entry& entry, const Envelope& envelope) override;
  void applied(const Entry& entry, const Envelope* envelope, Reply* reply) override;
  void skipped(const Entry& entry) override;
  void machine_failed(Index first, Error error) override;
  void log_unreadable(Error error) override;
  void truncated(IndexRange range);

  // lead.cpp: leadership and reads.
  void on_event(const RaftEvent& event);
  void transfer(NodeId target, Completion<void> done);
  void transfer_ended(const TransferEnded& event);
  void leader_changed(NodeId leader);
  void expire_transfers(Instant now);
  [[nodiscard]] std::optional<Instant> transfers_deadline() const;
  void hand_over();
  void read(ReadLevel level, std::optional<Instant> deadline, Completion<Index> done);
  void ask_for_reads();
  void read_ready(const ReadReady& ready);

  struct PendingTransfer {
    NodeId target;
    Completion<void> done;
    std::optional<Instant> until =
        {};  // the target was asked, our leadership is over: who leads is to be heard by then
  };

  const NodeOptions options;
  Pilot pilot;
  Executor& executor;
  Raft raft;
  const ClusterId cluster;
  const Term started_in;  // a leader of this term or an earlier one may have been this node before it was restarted

  Drain drain;
  Events events;
  Outbox outbox;
  LogClock clock;
  Commands commands;
  Forwards forwards;
  SeenForwards seen;
  Reads reads;
  Applier applier;
  std::vector<PendingTransfer> transfers;  // in the order in which they were asked for
  std::vector<PeerMessage> forwarding;     // leaves with the turn

  NodeState state = NodeState::running;
  std::optional<Error> failure;
  bool machine_broken = false;
  bool full = false;

  Output output;                           // reused
  LogPosition issued;                      // the last entry that peers or the log store were ever handed
  Index applied_told;                      // to Raft
  std::optional<std::uint64_t> room_left;  // as of this turn
  bool stamped = false;                    // Raft knows the time of this turn
  bool awake = false;                      // a pump is posted
  bool in_turn = false;
  LogStats last_stats;            // when it stopped
  std::uint64_t caught_late = 0;  // exceptions, while it stopped
  TimerId timer;
  Instant timer_at{};
};

// What the core throws (it has found itself wrong) ends the node, never the process.
template <class Input>
void Node::Parts::guard(Input input) {
  if (!runs()) return;
  try {
    stamp();
    input();
  } catch (const std::exception& e) {
    fail({ErrorCode::failed, std::string("Keel found itself wrong and stops this node: ") + e.what()},
         ErrorCode::failed);
  } catch (...) {
    fail({ErrorCode::failed, "something unknown was thrown in this node's core"}, ErrorCode::failed);
  }
}

// For a part's last calls: what it throws shall keep nobody waiting.
template <class Call>
void Node::Parts::quietly(Call call) {
  try {
    call();
  } catch (...) {
    ++caught_late;
  }
}

// An input of the core; what follows from it is done when the turn's other inputs are in.
template <class Input>
void Node::Parts::feed(Input input) {
  guard(std::move(input));
  wake();
}

}  // namespace keel
