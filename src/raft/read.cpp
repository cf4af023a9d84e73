// Linearizable reads without the log (ReadIndex; thesis 6.4). A read is confirmed by a round of heartbeats that began
// after it was asked for: the leader's own numbers, never the caller's bytes (H34), and no disk on the way.
#include <algorithm>

#include "keel/raft/raft.hpp"

namespace keel {

Result<void> Raft::read(ReadId id) {
  fed_ = true;
  if (auto* leader = std::get_if<Leader>(&role_)) {
    if (leader->reads.size() >= options_.max_pending_reads) {
      return fail(ErrorCode::overloaded, "too many reads are waiting; try again");
    }
    leader->reads.push_back({.id = id, .index = {}});
    return {};
  }
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader == nobody) {
    return fail(ErrorCode::no_leader, "no leader is known; try again");
  }
  if (follower->reads.size() >= options_.max_pending_reads) {
    return fail(ErrorCode::overloaded, "too many reads are waiting; try again");
  }
  follower->reads.push_back({.id = id});
  return {};
}

void Raft::on(const Message& from, const ReadIndexRequest& request) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) {
    reject(from, RejectReason::wrong_role);
    return send_now(from.from, ReadIndexReply{.context = request.context, .index = {}});
  }
  if (leader->find(from.from) == nullptr) return reject(from, RejectReason::stranger);
  if (leader->reads.size() >= options_.max_pending_reads) {
    return send_now(from.from, ReadIndexReply{.context = request.context, .index = {}});
  }
  leader->reads.push_back({.id = {}, .from = from.from, .context = request.context, .index = {}});
}

// One round confirms all that wait when it begins. None begins before an entry of this term is committed: until then
// we do not know what is (H33).
void Raft::assign_rounds(Leader& leader) {
  if (leader.reads.empty() || leader.reads.back().round != 0 || commit_ < leader.term_start) return;
  start_round(leader);
  for (std::size_t i = leader.reads.size(); i > 0 && leader.reads[i - 1].round == 0; --i) {
    leader.reads[i - 1].index = commit_;
    leader.reads[i - 1].round = leader.round;
  }
}

void Raft::release_reads(Leader& leader) {
  if (leader.reads.empty()) return;
  const std::uint64_t confirmed = cluster().quorum_value([&](NodeId id) -> std::uint64_t {
    if (id == options_.id) return leader.round;
    const Progress* peer = leader.find(id);
    return peer == nullptr ? 0 : peer->round;
  });
  while (!leader.reads.empty() && leader.reads.front().round != 0 && leader.reads.front().round <= confirmed) {
    const LeaderRead& read = leader.reads.front();
    if (read.from == nobody) {
      out_.reads_ready.push_back({read.id, read.index});
    } else {
      send_now(read.from, ReadIndexReply{.context = read.context, .confirmed = true, .index = read.index});
    }
    leader.reads.pop_front();
  }
}

// One question for all that came since the last; and another for all when its answer is long in coming. An answer to an
// earlier question still counts, or a group slower than our patience would never get one.
void Raft::ask_leader_for_reads(Follower& follower) {
  if (follower.reads.empty() || (follower.reads.back().context != 0 && !follower.ask_again)) return;
  ++read_context_;
  for (auto read = follower.reads.rbegin(); read != follower.reads.rend() && read->context == 0; ++read) {
    read->context = read_context_;
  }
  follower.ask_again = false;
  follower.asked = now_;
  send_now(follower.leader, ReadIndexRequest{read_context_});
}

// The leader took the index after the question came, so it serves every read asked for before.
void Raft::on(const Message& from, const ReadIndexReply& reply) {
  auto* follower = std::get_if<Follower>(&role_);
  const bool ours = follower != nullptr && from.from == follower->leader && reply.context <= read_context_;
  if (!ours) return reject(from, RejectReason::stale);
  std::erase_if(follower->reads, [&](const FollowerRead& read) {
    if (read.context == 0 || read.context > reply.context) return false;
    out_.reads_ready.push_back({read.id, reply.confirmed ? std::optional(reply.index) : std::nullopt});
    return true;
  });
}

// Whoever waits is told, whatever the reason (H40, H57).
void Raft::fail_reads() {
  if (auto* leader = std::get_if<Leader>(&role_)) {
    for (; !leader->reads.empty(); leader->reads.pop_front()) {
      if (leader->reads.front().from == nobody) out_.reads_ready.push_back({leader->reads.front().id, std::nullopt});
    }
  } else if (auto* follower = std::get_if<Follower>(&role_)) {
    for (const FollowerRead& read : follower->reads)
      out_.reads_ready.push_back({read.id, std::nullopt});
    follower->reads.clear();
  }
}

}  // namespace keel
