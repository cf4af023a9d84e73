// A node's life, from start to stop, and what it shows of itself.
#include "keel/node/node.hpp"

#include <fmt/core.h>

#include "keel/wire/frame.hpp"
#include "node/parts.hpp"

namespace keel {
namespace {

// Well spread from seeds that are close to one another.
std::uint64_t run_of(const RaftOptions& options) {
  return Random(options.seed ^ Random(options.id.value()).next()).next() >> forward_count_bits;
}

Result<void> validate(const NodeOptions& options) {
  const auto at_least_one = [](const char* field, std::size_t value) -> Result<void> {
    if (value > 0) return {};
    return fail(ErrorCode::invalid, fmt::format("{} is 0; it must be 1 or more", field));
  };
  const auto at_most = [](const char* field, std::size_t value, std::size_t most) -> Result<void> {
    if (value <= most) return {};
    return fail(ErrorCode::invalid, fmt::format("{} is {}; it must be {} or less", field, value, most));
  };
  for (const auto& good :
       {at_least_one("max_waiting_commands", options.max_waiting_commands),
        at_least_one("max_forwarded_bytes", options.max_forwarded_bytes),
        at_least_one("max_waiting_reads", options.max_waiting_reads),
        at_least_one("max_apply_bytes", options.max_apply_bytes),
        at_least_one("max_apply_entries", options.max_apply_entries),
        at_most("raft.max_entry_bytes", options.raft.max_entry_bytes, wire::max_payload_bytes),
        at_most("raft.max_append_bytes", options.raft.max_append_bytes, wire::max_payload_bytes / 2)}) {
    if (!good) return good;
  }
  return {};
}

// A voter has one first start, and only one.
Result<void> check_life(bool first, const Recovered& recovered) {
  const bool empty = recovered.last == Index(0);
  const bool voted = recovered.hard_state.term > Term(1) || recovered.hard_state.vote != nobody;
  if (first && (!empty || voted)) {
    return fail(ErrorCode::exists,
                fmt::format("this log has {} already: a cluster is bootstrapped once; start the node without "
                            "bootstrapping it, or give it an empty data directory",
                            empty ? "voted" : "entries"));
  }
  if (!first && empty) {
    return fail(ErrorCode::not_found,
                "the log is empty: this node has not been bootstrapped, so it belongs to no cluster yet");
  }
  return {};
}

// A part's call at the start; what it throws refuses the start.
template <class T, class Call>
Result<T> ask(std::string_view part, std::string_view when, Call call) {
  try {
    return call();
  } catch (const std::exception& e) {
    return fail(ErrorCode::failed, fmt::format("{} threw {}: {}", part, when, e.what()));
  } catch (...) {
    return fail(ErrorCode::failed, fmt::format("{} threw {}", part, when));
  }
}

// Up to where the state machine is, if that fits the log.
Result<Index> machine_applied(StateMachine& machine, const Recovered& recovered) {
  const auto asked = ask<Index>("the state machine", "when asked how far it is", [&] { return machine.applied(); });
  if (!asked) return asked;
  const Index applied = *asked;
  if (applied > recovered.last) {
    return fail(ErrorCode::invalid,
                fmt::format("the state machine has applied entry {} but the log ends at {}: they do "
                            "not belong together, or the log was lost; start with the log that "
                            "this state was made from, or with an empty state machine",
                            applied.value(), recovered.last.value()));
  }
  if (applied < recovered.base.position.index) {
    return fail(ErrorCode::compacted, fmt::format("the state machine has applied entry {} but the log begins behind "
                                                  "entry {}: it lacks the state between",
                                                  applied.value(), recovered.base.position.index.value()));
  }
  return applied;
}

}  // namespace

Node::Parts::Parts(const NodeOptions& node_options, Pilot pilot_parts, Executor& loop, Raft core, Index machine_applied)
    : options(node_options),
      pilot(pilot_parts),
      executor(loop),
      raft(std::move(core)),
      cluster(raft.genesis()->cluster_id()),
      started_in(raft.term()),
      events(loop),
      outbox(pilot.transport),
      forwards(run_of(options.raft)),
      applier(pilot.log, pilot.machine, {options.max_apply_bytes, options.max_apply_entries}, raft.log().base().index,
              machine_applied, *this),
      issued(raft.log().last()),
      applied_told(raft.log().base().index) {}

Result<std::unique_ptr<Node>> Node::start(NodeOptions options, Pilot pilot, Executor& executor) {
  return open(nullptr, options, pilot, executor);
}

Result<std::unique_ptr<Node>> Node::bootstrap(const Genesis& genesis, NodeOptions options, Pilot pilot,
                                              Executor& executor) {
  return open(&genesis, options, pilot, executor);
}

Result<std::unique_ptr<Node>> Node::open(const Genesis* genesis, NodeOptions options, Pilot pilot, Executor& executor) {
  if (auto good = validate(options); !good) return std::unexpected(good.error());
  if (pilot.snapshots != nullptr) {
    return fail(ErrorCode::unsupported, "a snapshot store is given, and no snapshots are made yet; leave it out");
  }
  auto recovered = ask<Recovered>("the log store", "when opened", [&] { return pilot.log.open(); });
  if (!recovered) return std::unexpected(recovered.error());

  const auto refuse = [&](const Error& why) -> Result<std::unique_ptr<Node>> {
    pilot.log.close();
    return std::unexpected(why);
  };
  if (auto good = check_life(genesis != nullptr, *recovered); !good) return refuse(good.error());
  auto raft = genesis != nullptr ? Raft::bootstrap(options.raft, *genesis, executor.now())
                                 : Raft::make(options.raft, *recovered, executor.now());
  if (!raft) return refuse(raft.error());
  if (raft->genesis() == nullptr) {
    return refuse({ErrorCode::corrupt,
                   "the log does not begin with a cluster's first entry; treat this node's data "
                   "as lost (docs/operating.md)"});
  }
  const auto applied = machine_applied(pilot.machine, *recovered);
  if (!applied) return refuse(applied.error());

  auto parts = std::make_shared<Parts>(options, pilot, executor, std::move(*raft), *applied);
  std::unique_ptr<Node> node(new Node(std::move(parts)));
  const auto begun = ask<void>("the log store or the transport", "when this node began", [&]() -> Result<void> {
    node->parts_->begin();
    pilot.transport.attach(node->parts_->options.raft.group, *node);
    return {};
  });
  if (!begun) return std::unexpected(begun.error());
  return node;
}

Node::Node(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() { parts_->stop(); }

void Node::Parts::begin() {
  if (pilot.observer != nullptr) events.add(*pilot.observer);
  raft.want_events(events.wanted() | acted_upon);
  events.record(NodeStarted{raft.term(), raft.log().last().index});
  clock.start(pilot.log, {raft.log().first(), raft.log().stable()}, alive());
  // A genesis is on its way to the disk before anything is heard that could ask for a promise.
  if (raft.log().stable() == Index(0)) guard([this] { turn(); });
  wake();
}

// Inert from here on: nothing is written, sent or applied any more. What is in no log yet was not appended; of the rest
// nobody can tell.
void Node::Parts::fail(const Error& why, ErrorCode waiting) {
  if (!runs()) return;
  state = NodeState::failed;
  failure = why;
  events.record(NodeFailed{why});
  outbox.close();
  applier.stop();
  forwarding.clear();
  executor.cancel(timer);
  timer = TimerId();
  commands.end_all(issued, {ErrorCode::stopping, "this node failed before the command was in any log: " + why.message},
                   {waiting, "this node failed, the command may still apply: " + why.message}, drain);
  forwards.end_all({waiting, "this node failed, the command may still apply: " + why.message}, drain);
  reads.end_all({ErrorCode::failed, "this node has failed: " + why.message}, drain);
  for (PendingTransfer& pending : transfers) {
    drain.owe<void>(std::move(pending.done), keel::fail(ErrorCode::failed, "this node has failed: " + why.message));
  }
  transfers.clear();
}

void Node::Parts::stop() {
  if (state == NodeState::stopping || state == NodeState::stopped) return;
  state = NodeState::stopping;  // first: what is called from here on may ask for it again
  quietly([this] { outbox.flush(); });
  outbox.close();
  applier.stop();
  forwarding.clear();
  executor.cancel(timer);
  timer = TimerId();
  quietly([this] { pilot.transport.detach(options.raft.group); });
  quietly([this] { last_stats = pilot.log.stats(); });
  quietly([this] { pilot.log.close(); });

  const Error unsent{ErrorCode::stopping, "this node stopped before the command was in any log"};
  const Error unknown{ErrorCode::leadership_lost, "this node stopped; the command may still apply"};
  commands.end_all(issued, unsent, unknown, drain);
  forwards.end_all(unknown, drain);
  reads.end_all({ErrorCode::stopping, "this node is stopping"}, drain);
  for (PendingTransfer& pending : transfers) {
    drain.owe<void>(std::move(pending.done), keel::fail(ErrorCode::stopping, "this node is stopping"));
  }
  transfers.clear();
  events.record(NodeStopped{});
  events.tell_all();
  drain.run_all();
  state = NodeState::stopped;
}

NodeStatus Node::Parts::status() const {
  NodeStatus status;
  status.state = state;
  status.failure = failure;
  status.raft = raft.status();
  if (const Member* leader = raft.configurations().current()->find(status.raft.leader)) {
    status.leader_address = leader->address;
    status.leader_data = leader->data;
  }
  status.log = state == NodeState::running || state == NodeState::failed ? pilot.log.stats() : last_stats;
  status.commands_waiting = commands.size() + forwards.size();
  status.reads_waiting = reads.size();
  status.events = events.last_number();
  status.rejected = events.rejected();
  for (const std::uint64_t count : status.rejected)
    status.rejected_messages += count;
  status.caught_exceptions = drain.caught() + events.caught() + outbox.caught() + caught_late;
  return status;
}

namespace {

// A call that came after, or during, `stop`: it is answered by a task of its own, which needs no node.
template <class T>
void answer_stopped(Executor& executor, Completion<T> done) {
  executor.post([done = std::move(done)]() mutable {
    try {
      done(fail(ErrorCode::stopping, "this node has stopped"));
    } catch (...) {
      return;  // nobody is left to count it
    }
  });
}

bool is_over(NodeState state) { return state == NodeState::stopping || state == NodeState::stopped; }

}  // namespace

void Node::submit(ByteView command, SubmitOptions options, Completion<Applied> done) {
  if (is_over(parts_->state)) return answer_stopped(parts_->executor, std::move(done));
  parts_->submit(command, std::move(options), std::move(done));
}

void Node::read(ReadLevel level, std::optional<Instant> deadline, Completion<Index> done) {
  if (is_over(parts_->state)) return answer_stopped(parts_->executor, std::move(done));
  parts_->read(level, deadline, std::move(done));
}

void Node::transfer_leadership(NodeId target, Completion<void> done) {
  if (is_over(parts_->state)) return answer_stopped(parts_->executor, std::move(done));
  parts_->transfer(target, std::move(done));
}

void Node::expire(Timer timer) {
  parts_->feed([&] { parts_->raft.expire(timer); });
}

void Node::step_down() {
  parts_->feed([&] { parts_->raft.step_down(); });
}

void Node::receive(PeerMessage message, ReplyPath reply_path) {
  const auto self = parts_;  // what it sends may destroy the node
  self->receive(std::move(message), std::move(reply_path));
}
void Node::on_message(PeerMessage message) { receive(std::move(message), {}); }
void Node::on_unreachable(NodeId peer) {
  parts_->feed([&] { parts_->raft.unreachable(peer); });
}

void Node::add_observer(Observer& observer) {
  parts_->events.add(observer);
  parts_->raft.want_events(parts_->events.wanted() | acted_upon);
}

void Node::remove_observer(Observer& observer) {
  parts_->events.remove(observer);
  parts_->raft.want_events(parts_->events.wanted() | acted_upon);
}

NodeStatus Node::status() const { return parts_->status(); }
const Raft& Node::raft() const { return parts_->raft; }
std::vector<Event> Node::recent_errors() const {
  return {parts_->events.errors().begin(), parts_->events.errors().end()};
}
void Node::stop() {
  const auto self = parts_;  // what it ends may destroy the node
  self->stop();
}

}  // namespace keel
