// Two Rafts compared: exactly, and by what the protocol can tell apart.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "keel/raft/raft.hpp"

namespace keel {

namespace {

class Hash {
 public:
  Hash& add(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15ULL;
    state_ ^= state_ >> 32;
    return *this;
  }
  Hash& add(bool value) { return add(std::uint64_t{value}); }
  template <class Tag>
  Hash& add(Ordinal<Tag> value) {
    return add(value.value());
  }
  template <class Tag>
  Hash& add(Number<Tag> value) {
    return add(value.value());
  }
  Hash& add(LogPosition position) { return add(position.term).add(position.index); }
  Hash& add(ByteView bytes) {
    add(bytes.size());
    while (!bytes.empty()) {
      std::uint64_t word = 0;
      const std::size_t n = std::min(bytes.size(), sizeof(word));
      std::memcpy(&word, bytes.data(), n);
      add(word);
      bytes = bytes.subspan(n);
    }
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x4b65656cULL;
};

void add(Hash& hash, const Log& log) {
  hash.add(log.base()).add(log.last()).add(log.stable());
  for (const TermRun& run : log.terms())
    hash.add(run.first).add(run.term);
  for (Index index = log.cache_first(); index <= log.last().index; ++index) {
    const Entry& entry = log.cached({index, index}, 0, 1).front();
    hash.add(std::uint64_t(entry.kind)).add(entry.payload.bytes());
  }
}

// Writes are told apart by what they will make durable, not by their numbers.
void add(Hash& hash, const WriteQueue& writes) {
  const auto& queue = writes.on_their_way();
  hash.add(queue.size());
  for (std::size_t i = 0; i < queue.size(); ++i) {
    hash.add(queue[i].last).add(queue[i].truncate_from.value_or(Index()));
    hash.add(queue[i].id == writes.hard_state_gate());
  }
}

void add(Hash& hash, const Follower& follower, bool heard) {
  hash.add(follower.leader).add(heard).add(follower.reads.size());
  for (const FollowerRead& read : follower.reads)
    hash.add(read.context != 0);
  hash.add(follower.ask_again);
}

void add(Hash& hash, const Candidate& candidate) {
  hash.add(candidate.pre_vote).add(candidate.for_transfer);
  auto ballots = candidate.ballots;
  std::ranges::sort(ballots, {}, &Ballot::voter);
  for (const Ballot& ballot : ballots)
    hash.add(ballot.voter).add(ballot.granted).add(ballot.chosen);
}

void add(Hash& hash, const Leader& leader) {
  hash.add(leader.term_start).add(leader.ready).add(leader.peers.size());
  for (const Progress& peer : leader.peers) {
    hash.add(peer.id).add(std::uint64_t(peer.state)).add(peer.match).add(peer.next).add(peer.probing);
    hash.add(peer.fetching != 0).add(peer.moved).add(peer.commit_sent).add(leader.round - peer.round);
    for (std::size_t i = 0; i < peer.inflight.size(); ++i)
      hash.add(peer.inflight[i].last);
  }
  hash.add(leader.reads.size());
  for (std::size_t i = 0; i < leader.reads.size(); ++i) {
    const LeaderRead& read = leader.reads[i];
    hash.add(read.from).add(read.index).add(read.round == 0 ? ~std::uint64_t{0} : leader.round - read.round);
  }
  hash.add(leader.transfer ? leader.transfer->target : nobody).add(leader.transfer && leader.transfer->asked);
  hash.add(leader.transfer && leader.transfer->ask_again);
}

}  // namespace

std::uint64_t Raft::fingerprint() const {
  Hash hash;
  hash.add(options_.id).add(hard_state_.term).add(hard_state_.vote);
  add(hash, log_);
  add(hash, writes_);
  hash.add(configurations_.has_any() ? configurations_.current_index() : Index());
  hash.add(commit_).add(applied_).add(apply_told_).add(must_reach_);
  hash.add(stalled_).add(std::uint64_t{role_.index()});
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    add(hash, *leader);
    hash.add(now_ >= leader->heartbeat_due).add(lost_quorum(*leader, now_));
  } else {
    hash.add(now_ >= election_due_);
    if (const auto* candidate = std::get_if<Candidate>(&role_)) add(hash, *candidate);
    if (const auto* follower = std::get_if<Follower>(&role_)) add(hash, *follower, hears_a_leader(nobody));
  }
  return hash.value();
}

bool Raft::operator==(const Raft& other) const {
  const auto state = [](const Raft& raft) {
    return std::tie(raft.now_, raft.random_, raft.hard_state_, raft.log_, raft.writes_, raft.configurations_,
                    raft.commit_, raft.applied_, raft.apply_told_, raft.must_reach_, raft.election_due_, raft.stalled_,
                    raft.read_context_, raft.role_);
  };
  return options_.id == other.options_.id && options_.group == other.options_.group && state(*this) == state(other);
}

}  // namespace keel
