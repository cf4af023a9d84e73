#include "replica.hpp"

#include <algorithm>
#include <chrono>

#include "keel/base/assert.hpp"

namespace keel::check {
namespace {

std::string node_text(const Replica& replica) { return "node " + std::to_string(replica.raft.options().id.value()); }

std::optional<std::string> judge_timer(Kind kind, const Raft& raft) {
  if (kind == Kind::election) return check_expired(Timer::election, raft);
  if (kind == Kind::check_quorum) return check_expired(Timer::check_quorum, raft);
  if (kind == Kind::stall) return check_expired(Timer::write_stall, raft);
  if (kind == Kind::transfer_ends) return check_expired(Timer::transfer, raft);
  return {};
}

// A read that waits is one that the Raft still knows of.
std::optional<std::string> judge_reads(const Replica& replica) {
  for (const ReadId read : replica.asked) {
    bool known = false;
    if (const auto* leader = std::get_if<Leader>(&replica.raft.role_state())) {
      for (std::size_t i = 0; i < leader->reads.size(); ++i)
        known = known || leader->reads[i].id == read;
    } else if (const auto* follower = std::get_if<Follower>(&replica.raft.role_state())) {
      known = std::ranges::find(follower->reads, read, &FollowerRead::id) != follower->reads.end();
    }
    if (!known) return node_text(replica) + " has forgotten read " + std::to_string(read.value());
  }
  return {};
}

}  // namespace

void Disk::lose_last() {
  acknowledged = std::max(acknowledged, {entries.back().term, entries.back().index});
  entries.pop_back();
}

void Disk::write_torn(const WriteBatch& batch, std::size_t parts) {
  if (batch.hard_state && parts > 0) hard_state = *batch.hard_state;
  if (batch.truncate_from && parts > 1) {
    KEEL_ASSERT(batch.truncate_from->value() <= entries.size() + 1, "only what is there is truncated");
    entries.resize(batch.truncate_from->previous().value());
  }
  for (std::size_t i = 0; i < batch.entries.size() && i + 2 < parts; ++i) {
    KEEL_ASSERT(batch.entries[i].index.value() == entries.size() + 1, "writes follow one another");
    entries.push_back(batch.entries[i]);
  }
}

Recovered Disk::recover() const {
  Recovered found;
  found.hard_state = hard_state;
  found.last = Index(entries.size());
  found.acknowledged = acknowledged;
  for (const Entry& entry : entries) {
    if (found.terms.empty() || found.terms.back().term != entry.term) found.terms.push_back({entry.index, entry.term});
    const bool configures = entry.kind == EntryKind::configuration || entry.kind == EntryKind::genesis;
    if (configures) found.configurations.push_back(entry);
  }
  return found;
}

Disk Replica::issued() const {
  Disk all = disk;
  for (const Write& write : writes)
    all.write(write.batch);
  return all;
}

// The fingerprint leaves out numbers that only ever count up. Those that stand in messages must be told apart all the
// same: rounds of heartbeats, and questions for reads; and a held message's write, as how many come before it. And reads
// have names, by which they are judged.
std::uint64_t Replica::identity() const {
  Digest digest;
  digest.add(raft.fingerprint());
  if (const auto* leader = std::get_if<Leader>(&raft.role_state())) digest.add(leader->round);
  digest.add(disk.hard_state).add(disk.entries.size());
  for (const Entry& entry : disk.entries)
    digest.add(entry);
  digest.add(disk.acknowledged.term).add(disk.acknowledged.index).add(repeats ? 1 : 0);
  digest.add(writes.size());
  for (const Write& write : writes)
    digest.add(write.batch);
  digest.add(held.size());
  for (const HeldMessage& waiting : held)
    digest.add(writes.empty() ? 0 : writes.back().id - waiting.after).add(waiting.message);
  digest.add(life).add(question).add(asked.size());
  for (const ReadId read : asked)
    digest.add(read);
  if (const auto* leader = std::get_if<Leader>(&raft.role_state())) {
    for (std::size_t i = 0; i < leader->reads.size(); ++i)
      digest.add(leader->reads[i].id).add(leader->reads[i].context);
  } else if (const auto* follower = std::get_if<Follower>(&raft.role_state())) {
    for (const FollowerRead& read : follower->reads)
      digest.add(read.id).add(read.context);
  }
  return digest.value();
}

NodeId Replica::heard_leader() const {
  const auto* follower = std::get_if<Follower>(&raft.role_state());
  const bool hears = follower != nullptr && now < follower->heard + raft.options().election_timeout;
  return hears ? follower->leader : nobody;
}

std::vector<Cut> Replica::cuts() const {
  std::vector<Cut> all;
  for (unsigned i = 0; i < writes.size(); ++i) {
    const WriteBatch& batch = writes[i].batch;
    all.push_back({i, 0});
    const auto entries = static_cast<unsigned>(batch.entries.size());
    if (batch.hard_state && (batch.truncate_from || entries > 0)) all.push_back({i, 1});
    if (batch.truncate_from && entries > 0) all.push_back({i, 2});
    for (unsigned kept = 1; kept < entries; ++kept)
      all.push_back({i, 2 + kept});
  }
  all.push_back({static_cast<unsigned>(writes.size()), 0});
  return all;
}

Driver::Driver(const Bounds& bounds) : bounds_(bounds) {
  std::vector<Member> members;
  for (unsigned id = 1; id <= bounds.nodes; ++id) {
    const bool learns = id > bounds.nodes - bounds.learners;
    members.push_back({.id = NodeId(id), .role = learns ? MemberRole::learner : MemberRole::voter});
  }
  genesis_ = make_genesis("check", std::move(members));
}

Raft Driver::make(NodeId id, const Disk& disk, Instant now, unsigned life) const {
  auto made = Raft::make(options_for(bounds_, id, life), disk.recover(), now);
  KEEL_ASSERT(made.has_value(), "a model disk holds what a Raft can begin with");
  return std::move(*made);
}

Replica Driver::start(NodeId id) {
  Disk disk{{Term(1), nobody}, {{Index(1), Term(1), EntryKind::genesis, encode(genesis_)}}};
  Replica replica{.raft = make(id, disk, {}), .disk = disk};
  Turn turn;
  pump(replica, turn);
  KEEL_ASSERT(turn.left.empty() && !turn.broken, "a node that starts says nothing");
  return replica;
}

Turn Driver::act(Replica& replica, const Input& input) {
  Turn turn;
  const Raft before = replica.raft;
  said_.clear();
  try {
    apply(replica, input, turn);
    pump(replica, turn);
    if (!turn.broken) turn.broken = judge_step(before, input, replica);
  } catch (const std::exception& broken) {
    turn.broken = node_text(replica) + " found itself wrong: " + broken.what();
  }
  return turn;
}

std::optional<std::string> Driver::judge_step(const Raft& before, const Input& input, const Replica& after) const {
  // A restart forgets what was known to be committed, and that is right.
  const bool restarts = input.kind == Kind::crash || input.kind == Kind::lost_tail;
  if (!restarts) {
    if (auto broken = check_step(remember(before), after.raft)) return broken;
  }
  if (input.message != nullptr) {
    if (auto broken = check_received(before, *input.message, after.raft)) return broken;
    if (auto broken = check_said(before, *input.message, after.raft, said_)) return broken;
  }
  const bool hasty = bounds_.planted == Planted::early_acknowledgement;
  if (!hasty && after.raft.role() == RoleName::leader && after.disk.hard_state != after.raft.hard_state()) {
    return node_text(after) + " leads before its vote for itself is durable";
  }
  // A notice that comes late or twice says nothing new (H44).
  if (input.kind == Kind::late_notice && before != after.raft) {
    return node_text(after) + " makes something of a notice that says nothing new";
  }
  if (auto broken = judge_timer(input.kind, after.raft)) return broken;
  if (auto broken = check_node(after.raft)) return broken;
  return judge_reads(after);
}

void Driver::apply(Replica& replica, const Input& input, Turn& turn) {
  Raft& raft = replica.raft;
  switch (input.kind) {
    case Kind::deliver:
    case Kind::deliver_late: return receive(replica, input);
    case Kind::lose: return;
    case Kind::persist: return persist(replica, turn);
    case Kind::election: return raft.expire(Timer::election);
    case Kind::heartbeat: return raft.expire(Timer::heartbeat);
    case Kind::check_quorum: return raft.expire(Timer::check_quorum);
    case Kind::stall: return raft.expire(Timer::write_stall);
    case Kind::transfer_ends: return raft.expire(Timer::transfer);
    case Kind::propose: {
      const std::string text = std::to_string(input.operand);
      const bool hands_over = raft.status().transferring_to != nobody;
      if (raft.propose(EntryKind::command, Payload::copy_of(std::as_bytes(std::span(text)))) && hands_over) {
        turn.broken = node_text(replica) + " takes a command while it hands its leadership over";
      }
      return;
    }
    case Kind::transfer: (void)raft.transfer_leadership(NodeId(input.operand)); return;
    case Kind::step_down: return raft.step_down();
    case Kind::unreachable: return raft.unreachable(NodeId(input.operand));
    case Kind::read:
      if (raft.read(ReadId(input.operand))) replica.asked.push_back(ReadId(input.operand));
      return;
    case Kind::late_notice: return raft.written(replica.noticed.previous());
    case Kind::crash:
    case Kind::lost_tail:
      for (const ReadId read : std::exchange(replica.asked, {}))
        turn.reads.push_back({read, std::nullopt});
      if (input.kind == Kind::crash) return crash(replica, Cut::of(input.operand));
      replica.disk.lose_last();
      if (bounds_.planted == Planted::silent_loss) replica.disk.acknowledged = {};
      return restart(replica);
  }
}

void Driver::receive(Replica& replica, const Input& input) const {
  if (input.kind == Kind::deliver_late) {
    replica.now += replica.raft.options().election_timeout;
    replica.raft.advance(replica.now);
  }
  Message message = *input.message;
  if (auto* reply = std::get_if<AppendReply>(&message.body);
      reply != nullptr && bounds_.planted == Planted::forged_acknowledgement) {
    reply->accepted = true;
  }
  replica.raft.receive(std::move(message));
}

void Driver::persist(Replica& replica, Turn& turn) const {
  const Write write = std::move(replica.writes.front());
  replica.writes.erase(replica.writes.begin());
  replica.disk.write(write.batch);
  replica.noticed = write.id;
  replica.repeats = write.id > WriteId(1) && bounds_.of(Budget::late_notices) > 0;
  replica.raft.written(write.id);
  std::vector<HeldMessage> held = std::exchange(replica.held, {});
  for (HeldMessage& waiting : held) {
    if (waiting.after <= write.id) {
      leave(replica, std::move(waiting.message), turn);
    } else {
      replica.held.push_back(std::move(waiting));
    }
  }
}

void Driver::crash(Replica& replica, Cut cut) const {
  for (unsigned i = 0; i < replica.writes.size() && i <= cut.writes; ++i) {
    const WriteBatch& batch = replica.writes[i].batch;
    i < cut.writes ? replica.disk.write(batch) : replica.disk.write_torn(batch, cut.parts);
  }
  if (bounds_.planted == Planted::forgotten_vote) replica.disk.hard_state.vote = nobody;
  restart(replica);
}

void Driver::restart(Replica& replica) const {
  replica.writes.clear();
  replica.held.clear();
  replica.noticed = {};
  replica.repeats = false;
  replica.question = 0;
  if (bounds_.of(Budget::reads) > 0) ++replica.life;
  replica.raft = make(replica.raft.options().id, replica.disk, replica.now, replica.life);
}

namespace {

// To a node that has lost what it acknowledged its leader may well seem to count on too much.
std::optional<std::string> judge(const RaftEvent& event, const Replica& replica) {
  const auto* rejected = std::get_if<MessageRejected>(&event);
  const bool forgot = replica.raft.log().last() < replica.disk.acknowledged;
  const bool malformed = rejected != nullptr && rejected->reason == RejectReason::malformed && !forgot;
  const bool astray = rejected != nullptr && rejected->reason == RejectReason::not_for_us;
  if (!malformed && !astray && !std::holds_alternative<ProtocolViolation>(event)) return {};
  return node_text(replica) + " reports " + describe(event);
}

// Nothing leaves that the disk could take back.
std::optional<std::string> judge(const Message& message, const Disk& disk) {
  const auto says = [&](const char* what) { return std::string(what) + ": " + short_form(message); };
  const HardState& durable = disk.hard_state;
  const auto* asks = std::get_if<VoteRequest>(&message.body);
  const auto* votes = std::get_if<VoteReply>(&message.body);
  // A rehearsal asks about a term that nobody is in yet, and its grant echoes that.
  const bool echoes = votes != nullptr && votes->pre_vote && votes->granted;
  const bool ahead = asks != nullptr && asks->pre_vote;
  if (!echoes && durable.term + (ahead ? 1 : 0) < message.term)
    return says("a message tells a term that is not durable");
  if (durable.term != message.term) return {};
  if (asks != nullptr && !asks->pre_vote && durable.vote != message.from) {
    return says("a candidate asks before its own vote is durable");
  }
  if (votes != nullptr && !votes->pre_vote && votes->granted && durable.vote != message.to) {
    return says("a vote leaves before it is durable");
  }
  const auto* holds = std::get_if<AppendReply>(&message.body);
  if (holds != nullptr && holds->accepted && disk.entries.size() < holds->index.value()) {
    return says("an acknowledgement leaves before the entries are durable");
  }
  return {};
}

// The store was told what the Raft believes, and what that calls durable is.
std::optional<std::string> judge(const Replica& replica) {
  const Raft& raft = replica.raft;
  const std::string node = node_text(replica);
  const Disk issued = replica.issued();
  if (issued.hard_state != raft.hard_state()) return node + " has told its store another term or vote";
  const Index last = raft.log().last().index;
  const bool same_end = issued.entries.size() == last.value() &&
                        (issued.entries.empty() || issued.entries.back().term == raft.log().last().term);
  if (!same_end) return node + " has told its store another end of the log";
  const std::size_t stable = raft.log().stable().value();
  if (stable > replica.disk.entries.size()) return node + " calls durable what is not there";
  if (stable > 0 && replica.disk.entries[stable - 1].term != raft.log().term_at(raft.log().stable())) {
    return node + " calls another entry durable than there is";
  }
  return {};
}

}  // namespace

void Driver::leave(Replica& replica, Message&& message, Turn& turn) const {
  const bool hasty = bounds_.planted == Planted::early_acknowledgement;
  if (!hasty && !turn.broken) turn.broken = judge(message, replica.disk);
  if (const auto* question = std::get_if<ReadIndexRequest>(&message.body)) replica.question = question->context;
  turn.left.push_back(std::move(message));
}

// Each read once, and only what was asked for.
void Driver::answer(Replica& replica, const ReadReady& read, Turn& turn) const {
  if (std::erase(replica.asked, read.id) == 0 && !turn.broken) {
    turn.broken = node_text(replica) + " answers read " + std::to_string(read.id.value()) + ", which nobody waits for";
  }
  turn.reads.push_back(read);
  if (bounds_.planted == Planted::old_read_index && read.index) turn.reads.back().index = read.index->previous();
}

void Driver::pump(Replica& replica, Turn& turn) {
  Raft& raft = replica.raft;
  while (raft.has_output()) {
    raft.take_output(out_);
    if (out_.write) replica.writes.push_back(std::move(*out_.write));
    for (Message& message : out_.send) {
      said_.push_back(message);
      leave(replica, std::move(message), turn);
    }
    for (HeldMessage& held : out_.send_after_write) {
      said_.push_back(held.message);
      const bool waits_in_vain = held.after <= replica.noticed && !turn.broken;
      if (waits_in_vain) turn.broken = node_text(replica) + " has a message wait for a write that is durable";
      if (bounds_.planted == Planted::early_acknowledgement) {
        leave(replica, std::move(held.message), turn);
      } else {
        replica.held.push_back(std::move(held));
      }
    }
    for (const ReadReady& read : out_.reads_ready)
      answer(replica, read, turn);
    for (const RaftEvent& event : out_.events) {
      if (!turn.broken) turn.broken = judge(event, replica);
    }
    if (!turn.broken) turn.broken = judge(replica);
    if (!out_.apply.empty()) {
      const bool follows = out_.apply.first == raft.status().applied.next();
      if (!follows && !turn.broken) turn.broken = "entries to apply do not follow one another";
      raft.applied(out_.apply.last);
    }
    for (const Fetch& fetch : out_.fetch) {
      const Disk issued = replica.issued();
      KEEL_ASSERT(fetch.range.last.value() <= issued.entries.size(), "only what was written is fetched");
      const auto from = issued.entries.begin() + static_cast<std::ptrdiff_t>(fetch.range.first.value() - 1);
      raft.fetched(fetch, {from, from + static_cast<std::ptrdiff_t>(fetch.range.last - fetch.range.first + 1)});
      ++turn.fetches;
    }
  }
}

}  // namespace keel::check
