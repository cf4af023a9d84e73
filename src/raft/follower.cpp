// The follower's side of log replication (Raft, Figure 2, AppendEntries), and what every role does with a commit.
#include <algorithm>

#include "keel/base/assert.hpp"
#include "keel/raft/raft.hpp"

namespace keel {

void Raft::on(const Message& from, AppendRequest& request) {
  Index expected = request.previous.index;
  Term before = request.previous.term;
  for (const Entry& entry : request.entries) {
    if (entry.index != ++expected || entry.term < before || entry.term > from.term) {
      return reject(from, RejectReason::malformed);
    }
    before = entry.term;
  }
  if (request.previous.term > from.term) return reject(from, RejectReason::malformed);
  if (!follow(from.from)) return;

  // Up to our base everything is committed, whoever leads has it, and we can no longer compare.
  const Index end = request.previous.index + request.entries.size();
  std::span<Entry> entries(request.entries);
  if (request.previous.index < log_.base().index) {
    entries = entries.subspan(std::min<std::size_t>(entries.size(), log_.base().index - request.previous.index));
  } else if (!log_.has(request.previous)) {
    if (request.previous.index <= commit_) return conflict_below_commit(from, request.previous.index);
    return refuse_append(from, request.previous);
  }
  if (!adopt_entries(from, entries)) return;
  // Only what this very message verified may be committed: our log may go on with a stale tail (H3).
  commit_to(std::min(request.commit, end));
  send_when_durable(from.from, AppendReply{.accepted = true, .index = end, .hint = {}});
}

// Deviation: Raft, section 5.3, goes back by one entry, or by the follower's conflicting term. The hint is our last entry
// whose term is not above the leader's there, and the leader looks for its own likewise: each probe skips a term.
void Raft::refuse_append(const Message& from, LogPosition previous) {
  send_when_durable(from.from, AppendReply{.accepted = false,
                                           .index = previous.index,
                                           .hint = log_.last_not_above(previous.index, previous.term)});
}

// Entries that are there already stay: a shorter, older message must not cut what a later one verified (H5).
bool Raft::adopt_entries(const Message& from, std::span<Entry> entries) {
  std::size_t known = 0;
  while (known < entries.size() && log_.has({entries[known].term, entries[known].index}))
    ++known;
  entries = entries.subspan(known);
  if (entries.empty()) return true;

  const Index first = entries.front().index;
  // The genesis entry was never in doubt: one that differs is another cluster's.
  if (first <= std::max(commit_, genesis() != nullptr ? Index(1) : Index())) {
    conflict_below_commit(from, first);
    return false;
  }
  if (first <= log_.last().index) truncate_from(first);
  bool reconfigured = false;
  for (Entry& entry : entries) {
    if (entry.kind == EntryKind::configuration || entry.kind == EntryKind::genesis) {
      if (auto taken = configurations_.append(entry); !taken) {
        emit(ProtocolViolation{"entry " + std::to_string(entry.index.value()) + ": " + taken.error().message});
        return false;
      }
      reconfigured = true;
    }
    writes_.append(entry);
    log_.append(std::move(entry));
  }
  emit(EntriesAppended{{first, log_.last().index}, hard_state_.term});
  if (reconfigured) configuration_changed();
  return true;
}

void Raft::conflict_below_commit(const Message& from, Index index) {
  emit(ProtocolViolation{"node " + std::to_string(from.from.value()) + " has another entry at index " +
                         std::to_string(index.value()) + ", which is committed here"});
}

void Raft::truncate_from(Index index) {
  KEEL_ASSERT(index > commit_, "what is committed is never truncated");
  const IndexRange gone{index, log_.last().index};
  writes_.truncate_from(index);
  log_.truncate_from(index);
  const bool reconfigured = configurations_.truncate_from(index);
  emit(EntriesTruncated{gone});
  if (reconfigured) configuration_changed();
}

void Raft::configuration_changed() {
  out_.members = configurations_.current();
  emit(ConfigurationInForce{configurations_.current_index(), configurations_.current()});
}

void Raft::commit_to(Index index) {
  if (index <= commit_) return;
  KEEL_ASSERT(index <= log_.last().index, "nothing is committed that is not in the log");
  commit_ = index;
  configurations_.committed(index);
  emit(CommitAdvanced{index});
}

void Raft::on(const Message& from, const Heartbeat& beat) {
  if (!follow(from.from)) return;
  // The leader sends no more than it knows us to hold, so this lies within what its messages have verified (H4).
  if (beat.commit > log_.last().index) return reject(from, RejectReason::malformed);
  commit_to(beat.commit);
  if (beat.round == 0) return;
  send_now(from.from, HeartbeatReply{.round = beat.round});
  auto& follower = std::get<Follower>(role_);
  // The question or its answer may be lost.
  follower.ask_again = !follower.reads.empty() && now_ >= follower.asked + 2 * options_.heartbeat_interval;
}

}  // namespace keel
