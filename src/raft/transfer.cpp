// Leadership transfer (thesis 3.10).
#include "keel/raft/raft.hpp"

namespace keel {

Result<void> Raft::transfer_leadership(NodeId target) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return not_leading();
  const std::string who = "node " + std::to_string(target.value());
  if (target == options_.id) return fail(ErrorCode::invalid, who + " leads already");
  if (!cluster().can_lead(target) || leader->find(target) == nullptr) {
    return fail(ErrorCode::invalid, who + " is no voter of this cluster that could lead");
  }
  if (leader->transfer) {
    if (leader->transfer->target == target) return {};
    end_transfer(*leader, TransferEnd::replaced);
  }
  leader->transfer = Transfer{target, now_ + options_.election_timeout};
  emit(TransferStarted{target});
  return {};
}

// The target is asked once it holds everything; nothing is appended meanwhile. It is asked again with each heartbeat.
void Raft::continue_transfer(Leader& leader) {
  if (!leader.transfer || (leader.transfer->asked && !leader.transfer->ask_again)) return;
  const Progress* target = leader.find(leader.transfer->target);
  if (target == nullptr) return end_transfer(leader, TransferEnd::target_gone);
  if (target->match != log_.last().index) return;
  leader.transfer->asked = true;
  leader.transfer->ask_again = false;
  send_now(target->id, TimeoutNow{log_.last()});
}

void Raft::end_transfer(Leader& leader, TransferEnd end) {
  const NodeId target = leader.transfer->target;
  leader.transfer.reset();
  emit(TransferEnded{target, end});
}

// Campaigns at once: our leader wants it, so neither PreVote nor stickiness stands in the way (H18).
// Deviation: in thesis 3.10 the request is bare. It says what we are believed to hold, so that one that comes late, or to
// a log that was cut since, starts no election that we cannot win.
void Raft::on(const Message& from, const TimeoutNow& request) {
  const auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader != from.from) return reject(from, RejectReason::stale);
  if (log_.last() < request.last) return reject(from, RejectReason::stale);
  if (!cluster().can_lead(options_.id)) return reject(from, RejectReason::wrong_role);
  campaign(true);
}

}  // namespace keel
