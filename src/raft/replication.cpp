// The leader's side of log replication (Raft, section 5.3): what is sent to whom, and what a reply proves.
#include <algorithm>
#include <limits>

#include "keel/base/assert.hpp"
#include "keel/raft/raft.hpp"

namespace keel {

Result<LogPosition> Raft::propose(EntryKind kind, Payload payload, std::optional<Term> expected) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return not_leading();
  if (expected && *expected != hard_state_.term) {
    return fail(ErrorCode::wrong_term, "the term is " + std::to_string(hard_state_.term.value()) + ", not " +
                                           std::to_string(expected->value()));
  }
  if (is_for_raft(kind)) return fail(ErrorCode::invalid, "an entry of this kind is made by Raft alone");
  if (leader->transfer) return fail(ErrorCode::no_leader, "leadership is being handed over; try again");
  if (payload.size() > options_.max_entry_bytes) {
    return fail(ErrorCode::too_large, std::to_string(payload.size()) + " bytes; an entry has at most " +
                                          std::to_string(options_.max_entry_bytes));
  }
  const std::size_t cost = payload.size() + Log::entry_overhead;
  if (leader->uncommitted_bytes != 0 && leader->uncommitted_bytes + cost > options_.max_uncommitted_bytes) {
    return fail(ErrorCode::overloaded, "too many bytes are proposed and not yet committed and durable here; try again");
  }
  append(kind, std::move(payload));
  return LogPosition{hard_state_.term, log_.last().index};
}

void Raft::append(EntryKind kind, Payload payload) {
  Entry entry{log_.last().index.next(), hard_state_.term, kind, std::move(payload)};
  std::get<Leader>(role_).uncommitted_bytes += Log::cost(entry);
  emit(EntriesAppended{{entry.index, entry.index}, hard_state_.term});
  writes_.append(entry);
  log_.append(std::move(entry));
}

void Raft::replicate(Leader& leader) {
  for (Progress& peer : leader.peers)
    replicate_to(leader, peer);
}

bool Raft::window_full(const Progress& peer) const {
  return peer.inflight.size() >= options_.max_inflight_messages || peer.inflight_bytes >= options_.max_inflight_bytes;
}

void Raft::replicate_to(Leader& leader, Progress& peer) {
  while (peer.state != ReplicationState::snapshot && !peer.probing && peer.fetching == 0 && !window_full(peer)) {
    const Index last = log_.last().index;
    const bool probes = peer.state == ReplicationState::probe;
    if (peer.next > last && !probes) return;
    if (peer.next <= log_.base().index) {
      // What it needs is gone. It may well need exactly our base: the base's term is known, so an empty log above is
      // no reason to leave it waiting (H11).
      return need_snapshot(peer);
    }
    const bool in_memory = peer.next >= log_.cache_first();
    if (!in_memory && !probes) return ask_fetch(leader, peer);
    const auto entries = log_.cached({peer.next, last}, options_.max_append_bytes, options_.max_append_entries);
    send_append(peer, Entries(entries));
  }
}

void Raft::need_snapshot(Progress& peer) {
  start(peer, ReplicationState::snapshot, std::max(peer.next, log_.base().index.next()));
  out_.send_snapshot.push_back(peer.id);
}

void Raft::send_append(Progress& peer, Entries entries) {
  const Index previous = peer.next.previous();
  AppendRequest request{{log_.term_at(previous).value(), previous}, commit_, std::move(entries)};
  if (peer.state == ReplicationState::probe) {
    peer.probing = true;
  } else if (!request.entries.empty()) {
    std::size_t bytes = 0;
    for (const Entry& entry : request.entries)
      bytes += Log::cost(entry);
    peer.next = request.entries.back().index.next();
    peer.inflight.push_back({request.entries.back().index, bytes});
    peer.inflight_bytes += bytes;
  }
  peer.commit_sent = std::max(peer.commit_sent, std::min(commit_, previous + request.entries.size()));
  send_now(peer.id, std::move(request));
}

// Older entries are in the store alone; only what is durable is asked for, and only what one message may carry.
void Raft::ask_fetch(Leader& leader, Progress& peer) {
  peer.fetching = ++leader.fetches;
  const IndexRange stored{peer.next, std::min(log_.cache_first().previous(), log_.stable())};
  out_.fetch.push_back({peer.id, hard_state_.term, peer.fetching, stored.first_few(options_.max_append_entries),
                        options_.max_append_bytes});
}

void Raft::fetched(const Fetch& fetch, std::vector<Entry> entries) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  Progress* peer = leader != nullptr && fetch.term == hard_state_.term ? leader->find(fetch.peer) : nullptr;
  if (peer == nullptr || peer->fetching != fetch.request) return;  // asked in another life
  Index expected = fetch.range.first.previous();
  const bool ours = std::ranges::all_of(
      entries, [&](const Entry& entry) { return entry.index == ++expected && log_.has({entry.term, entry.index}); });
  if (entries.empty() || !ours) {
    return fetch_failed(fetch, {ErrorCode::corrupt, "the store gave other entries than this log holds there, or none"});
  }
  peer->fetching = 0;
  if (entries.front().index != peer->next) return;  // a late answer has shown that it holds more
  const std::size_t count = std::min(Log::fitting(entries, options_.max_append_bytes), options_.max_append_entries);
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(count), entries.end());
  send_append(*peer, std::move(entries));
}

// A read error ends this stream; the peer's next answer starts it anew (H49).
void Raft::fetch_failed(const Fetch& fetch, const Error& why) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  Progress* peer = leader != nullptr && fetch.term == hard_state_.term ? leader->find(fetch.peer) : nullptr;
  if (peer == nullptr || peer->fetching != fetch.request) return;
  peer->fetching = 0;
  if (why.code == ErrorCode::compacted) return need_snapshot(*peer);
  emit(FetchFailed{fetch.peer, fetch.range, why});
  start(*peer, ReplicationState::probe, peer->match.next());
  peer->probing = true;
}

// Shared by all answers a follower may give its leader: who is it, and we have heard of it.
Progress* Raft::answered(const Message& from) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) {
    reject(from, RejectReason::stale);
    return nullptr;
  }
  Progress* peer = leader->find(from.from);
  if (peer == nullptr) {
    reject(from, RejectReason::stranger);
    return nullptr;
  }
  peer->heard = now_;
  return peer;
}

void Raft::on(const Message& from, const AppendReply& reply) {
  Progress* peer = answered(from);
  if (peer == nullptr) return;
  if (reply.index > log_.last().index) return reject(from, RejectReason::malformed);
  if (reply.accepted) {
    if (reply.index < peer->match) return;  // repeated or overtaken: it proves nothing new
    peer->moved = peer->moved || reply.index > peer->match;
    peer->match = reply.index;
    peer->next = std::max(peer->next, peer->match.next());
    while (!peer->inflight.empty() && peer->inflight.front().last <= peer->match) {
      peer->inflight_bytes -= peer->inflight.front().bytes;
      peer->inflight.pop_front();
    }
    peer->probing = false;
    if (peer->state != ReplicationState::pipeline) set_state(*peer, ReplicationState::pipeline);
    if (peer->match <= commit_) return;  // whatever lies beyond has as many as before
    return advance_commit(std::get<Leader>(role_));
  }
  if (peer->state == ReplicationState::snapshot) return;  // it still waits for it
  // Refused. In a probe only the answer to that probe counts; in a pipeline anything above what is known to match means
  // a gap. A late refusal never lowers what is known (H6).
  const bool current =
      peer->state == ReplicationState::probe ? reply.index == peer->next.previous() : reply.index > peer->match;
  if (!current || reply.index <= peer->match) return reject(from, RejectReason::stale);
  const Index shared = std::max(std::min(reply.hint.index, reply.index.previous()), peer->match);
  // What the two logs may share lies before our base: asking on would be answered the same for ever (H11).
  if (shared < log_.base().index) return start(*peer, ReplicationState::probe, log_.base().index);
  start(*peer, ReplicationState::probe,
        std::max(log_.last_not_above(shared, reply.hint.term).index, peer->match).next());
}

void Raft::start(Progress& peer, ReplicationState state, Index next) {
  peer.next = next;
  peer.probing = false;
  peer.fetching = 0;
  peer.inflight.clear();
  peer.inflight_bytes = 0;
  set_state(peer, state);
}

void Raft::set_state(Progress& peer, ReplicationState state) {
  if (peer.state == state) return;
  peer.state = state;
  emit(PeerStateChanged{peer.id, state});
}

void Raft::unreachable(NodeId id) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  Progress* peer = leader != nullptr ? leader->find(id) : nullptr;
  if (peer == nullptr || peer->state != ReplicationState::pipeline) return;
  start(*peer, ReplicationState::probe, peer->match.next());
  peer->probing = true;  // the next heartbeat asks again: no storm towards a dead peer
}

// Says to everybody that we live, how far it may commit, and asks for an answer.
// Deviation: in Figure 2 this is an append without entries. A message of its own is answered without a look at the log, so
// a slow disk holds up neither reads nor the news that a peer lives; in return it may tell a commit only up to what the
// peer is known to hold.
void Raft::start_round(Leader& leader) {
  ++leader.round;
  for (Progress& peer : leader.peers) {
    const Index tell = std::min(commit_, peer.match);
    peer.commit_sent = std::max(peer.commit_sent, tell);
    send_now(peer.id, Heartbeat{.commit = tell, .round = leader.round});
  }
}

// The regular round, which also asks after whatever has been unanswered for a whole interval.
// Deviation: Figure 2 sends what is unanswered again. A peer whose disk is merely slow would get it all twice.
void Raft::beat(Leader& leader) {
  leader.heartbeat_due = now_ + options_.heartbeat_interval;
  start_round(leader);
  for (Progress& peer : leader.peers) {
    if (peer.state == ReplicationState::probe) {
      peer.probing = false;
    } else if (peer.state == ReplicationState::snapshot || (!peer.inflight.empty() && !peer.moved)) {
      // "Does your log reach mine by now?": however a snapshot came, its end is seen (H48). And if all in flight was
      // lost (H10), "do you have what I sent last?" is refused at once.
      send_append(peer, {});
    }
    peer.moved = false;
  }
  if (leader.transfer) leader.transfer->ask_again = true;
}

void Raft::on(const Message& from, const HeartbeatReply& reply) {
  Progress* peer = answered(from);
  if (peer == nullptr) return;
  auto& leader = std::get<Leader>(role_);
  if (reply.round > leader.round) return reject(from, RejectReason::malformed);
  peer->round = std::max(peer->round, reply.round);
}

// Raft, section 5.4.2: only entries of this term are committed by counting; older ones with them (H1).
void Raft::advance_commit(Leader& leader) {
  const Index reached = cluster().quorum_value([&](NodeId id) {
    if (id == options_.id) return log_.stable();
    const Progress* peer = leader.find(id);
    return peer == nullptr ? Index() : peer->match;
  });
  if (reached <= commit_ || log_.term_at(reached) != hard_state_.term) return;
  commit_to(reached);
}

// What is committed by the others may still wait for our own disk, and be in memory for as long.
void Raft::release_bytes(Leader& leader, Index ready) {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  while (leader.released < ready) {
    const auto run = log_.cached({leader.released.next(), ready}, all, all);
    KEEL_ASSERT(!run.empty(), "a leader's entries stay in memory until they are committed and durable here");
    for (const Entry& entry : run)
      leader.uncommitted_bytes -= Log::cost(entry);
    leader.released = run.back().index;
  }
}

// Followers learn of a commit with the next message; with eager notices, now.
void Raft::tell_commit(Leader& leader) {
  if (!options_.eager_commit) return;
  for (Progress& peer : leader.peers) {
    const Index tell = std::min(commit_, peer.match);
    if (peer.state != ReplicationState::pipeline || tell <= peer.commit_sent) continue;
    peer.commit_sent = tell;
    send_now(peer.id, Heartbeat{.commit = tell});
  }
}

}  // namespace keel
