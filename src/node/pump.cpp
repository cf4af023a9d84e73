// The turn: whatever the loop brings is fed in first; then, once, everything there is to do is done.
#include "keel/base/assert.hpp"
#include "keel/wire/frame.hpp"
#include "node/parts.hpp"

namespace keel {

void Node::Parts::wake() {
  if (awake || in_turn || state == NodeState::stopped) return;
  awake = true;
  executor.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->awake = false;
    self->pump();
  });
}

// What callers submit when they are answered goes along with the commit notices for what answered them: one gathered
// send a peer, and one reason to wake it, instead of two.
void Node::Parts::pump() {
  if (state == NodeState::stopped) return;
  round();
  if (runs() && raft.has_output()) round();
  guard([this] { outbox.flush(); });
  stamped = false;
  if (has_more()) wake();
  arm_timer();
}

void Node::Parts::round() {
  in_turn = true;
  guard([this] { turn(); });
  in_turn = false;
  room_left.reset();
  clock.turn_over();
  applier.turn_over();
  events.tell();
  drain.run();
}

bool Node::Parts::has_more() const {
  if (!drain.empty() || !events.empty()) return true;
  return runs() && (applier.has_more() || raft.has_output() || reads.has_new() || !forwarding.empty());
}

void Node::Parts::turn() {
  stamped = false;
  stamp();  // again: the executor's time may have moved since the first input
  outbox.release();
  for (PeerMessage& message : std::exchange(forwarding, {}))  // who is handed one may submit more
    outbox.send(std::move(message), nullptr);
  if (!runs()) return;
  ask_for_reads();
  do {
    if (raft.has_output()) {
      raft.take_output(output);
      perform(output, nullptr);
    }
    if (runs()) applier.run(raft, alive());
    if (runs() && applier.position() > applied_told) raft.applied(applied_told = applier.position());
  } while (runs() && raft.has_output());
  reads.applied(applier.applied(), drain);
  const Instant now = executor.now();
  commands.expire(now, drain);
  forwards.expire(now, drain);
  reads.expire(now, drain);
  expire_transfers(now);
}

// Raft's time is that of the turn. It is told before the turn's first input: what arrives now must not be taken for
// something that came before a long silence.
void Node::Parts::stamp() {
  if (stamped) return;
  stamped = true;
  raft.advance(executor.now());
}

void Node::Parts::perform(Output& out, const Route* route) {
  for (RaftEvent& event : out.events) {
    if ((acted_upon & (EventMask{1} << event.index())) == 0) {
      events.record(std::move(event));
    } else {
      events.record(event);
      on_event(event);
    }
    if (!runs()) return;
  }
  if (out.write) prepare(out.write->batch.entries);
  for (Message& message : out.send) {
    const NodeId to = message.to;
    outbox.send(to_peer(to, std::move(message)), route);
  }
  for (HeldMessage& held : out.send_after_write) {
    const NodeId to = held.message.to;
    outbox.hold(held.after, to_peer(to, std::move(held.message)), route);
  }
  if (out.write) outbox.flush_transport();  // the peers' disks are behind a network, ours is not
  if (!runs()) return;                      // whoever sends may stop the node, and its log is closed then
  if (out.write) issue(*out.write);
  if (!runs()) return;
  if (out.members != nullptr) outbox.members(options.raft.group, out.members->members);
  for (const Fetch& wanted : out.fetch)
    fetch(wanted);
  for (const ReadReady& ready : out.reads_ready)
    read_ready(ready);
  if (!out.apply.empty()) applier.extend(out.apply);
}

PeerMessage Node::Parts::to_peer(NodeId to, decltype(PeerMessage::body) body) const {
  return {options.raft.group, options.raft.id, to, std::move(body)};
}

// From here on entries are on their way, to peers first: whatever happens next, nobody can say that they are in no log.
void Node::Parts::prepare(std::vector<Entry>& entries) {
  if (entries.empty()) return;
  frame(entries);
  const Entry& last = entries.back();
  issued = std::max(issued, LogPosition{last.term, last.index});
  for (const Entry& entry : entries)
    clock.saw(entry);  // not the last alone: that may tell no time (LogClock::start)
}

void Node::Parts::issue(Write& write) {
  pilot.log.write(std::move(write.batch), [this, weak = alive(), id = write.id](Result<void> result) {
    if (const auto self = weak.lock()) written(id, std::move(result));
  });
}

// A leader frames its own entries, once, for its disk and for all peers; a follower's came framed. Entries that Raft
// makes itself get their time here, the others had it when they were submitted. A node that leads before it has read the
// log's end gives them none: what it would stamp might lie before the log's own time.
void Node::Parts::frame(std::vector<Entry>& entries) {
  const bool leads = raft.role() == RoleName::leader;
  for (Entry& entry : entries) {
    if (is_for_raft(entry.kind) && entry.kind != EntryKind::genesis && leads && clock.known() &&
        entry.term == raft.term()) {
      wire::set_envelope(entry.payload, {.wall_time = clock.stamp(executor)});
    }
    wire::frame(entry, cluster, options.raft.group);
  }
}

void Node::Parts::written(WriteId id, Result<void> result) {
  if (!runs()) return;
  if (!result) {
    // Whatever the store calls it, a full disk too: for the node it is the same end.
    fail({ErrorCode::storage_failed, "the log store failed and is not used again: " + result.error().message},
         ErrorCode::storage_failed);
    return wake();
  }
  feed([&] {
    outbox.durable(id);
    raft.written(id);
  });
}

void Node::Parts::fetch(const Fetch& wanted) {
  if (!runs()) return;
  pilot.log.read(wanted.range, wanted.max_bytes, [this, weak = alive(), wanted](Result<std::vector<Entry>> found) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    feed([&] {
      if (found) {
        raft.fetched(wanted, std::move(*found));
      } else {
        raft.fetch_failed(wanted, found.error());
      }
    });
  });
}

// One timer, for whatever is due first. One that is armed too early stays: it finds nothing to do and arms the next.
void Node::Parts::arm_timer() {
  if (!runs()) return;
  std::optional<Instant> next = raft.next_deadline();
  for (const auto due :
       {commands.next_deadline(), forwards.next_deadline(), reads.next_deadline(), transfers_deadline()}) {
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  if (!next || (timer != TimerId() && timer_at <= *next)) return;
  executor.cancel(timer);
  timer_at = *next;
  timer = executor.at(*next, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->timer = TimerId();
    self->pump();
  });
}

void Node::Parts::receive(PeerMessage message, ReplyPath path) {
  if (!runs()) return;
  const std::optional<Route> route =
      path ? std::optional<Route>({message.from, std::make_shared<ReplyPath>(std::move(path))}) : std::nullopt;
  const Route* through = route ? &*route : nullptr;
  const NodeId from = message.from;
  const bool ours = message.group == options.raft.group && message.to == options.raft.id;
  if (auto* protocol = std::get_if<Message>(&message.body)) {
    if (protocol->from != from) return reject(from, name_of(protocol->body), RejectReason::malformed);
    feed([&] { receive_from_raft(std::move(*protocol), through); });
  } else if (auto* request = std::get_if<ForwardRequest>(&message.body)) {
    if (!ours) return reject(from, "ForwardRequest", RejectReason::not_for_us);
    feed([&] { on(from, std::move(*request), through); });
  } else if (const auto* reply = std::get_if<ForwardReply>(&message.body)) {
    if (!ours) return reject(from, "ForwardReply", RejectReason::not_for_us);
    feed([&] { on(from, *reply); });
  }
}

// With a path for the answers, what this one message gives rise to must be told apart: it has an output of its own.
void Node::Parts::receive_from_raft(Message message, const Route* route) {
  if (!has_room_for(message)) return;
  if (route == nullptr) return raft.receive(std::move(message));
  Output out;
  if (raft.has_output()) {
    raft.take_output(out);
    perform(out, nullptr);
  }
  if (!runs()) return;
  raft.receive(std::move(message));
  raft.take_output(out);
  perform(out, route);
}

// A follower without room lets appends go, as if the network had lost them: a full disk must never be a failed write.
// A leader keeps twice this distance, so among equal disks nobody comes here.
bool Node::Parts::has_room_for(const Message& message) {
  const auto* append = std::get_if<AppendRequest>(&message.body);
  if (append == nullptr || append->entries.empty()) return true;
  std::uint64_t bytes = 0;
  for (const Entry& entry : append->entries)
    bytes += wire::frame_size(entry);
  const bool fits = room() >= options.min_room / 2 + bytes;
  if (fits) room_left = *room_left - bytes;
  if (full == fits) {
    full = !fits;
    events.record(StorageFull{full, *room_left});
  }
  return fits;
}

// Asked of the store once a turn; what is accepted meanwhile is taken off.
std::uint64_t Node::Parts::room() {
  if (!room_left) room_left = pilot.log.stats().room;
  return *room_left;
}

}  // namespace keel
