// Leadership, as far as the node has a part in it, and reads.
#include <algorithm>

#include <fmt/core.h>

#include "node/parts.hpp"

namespace keel {

void Node::Parts::on_event(const RaftEvent& event) {
  if (const auto* violation = std::get_if<ProtocolViolation>(&event)) {
    fail({ErrorCode::failed, "the protocol is broken, this node takes no further part: " + violation->what},
         ErrorCode::failed);
  } else if (const auto* cut = std::get_if<EntriesTruncated>(&event)) {
    truncated(cut->range);
  } else if (const auto* ended = std::get_if<TransferEnded>(&event)) {
    transfer_ended(*ended);
  } else if (const auto* role = std::get_if<RoleChanged>(&event)) {
    if (role->role == RoleName::leader && machine_broken) hand_over();
  } else if (const auto* changed = std::get_if<LeaderChanged>(&event)) {
    leader_changed(changed->leader);
  }
}

void Node::Parts::transfer(NodeId target, Completion<void> done) {
  Result<void> begun = std::unexpected(Error{ErrorCode::stopping, "this node has failed"});
  feed([&] { begun = raft.transfer_leadership(target); });
  if (!begun) {
    if (begun.error().code == ErrorCode::not_leader) begun.error() = not_leading();
    drain.owe<void>(std::move(done), std::move(begun));
    return wake();
  }
  transfers.push_back({target, std::move(done)});
}

// Transfers replace one another and end in order: the oldest ones with this target are meant.
void Node::Parts::transfer_ended(const TransferEnded& event) {
  const std::string target = fmt::format("leadership did not go to node {}: ", event.target.value());
  Error why;
  switch (event.end) {
    case TransferEnd::done: break;
    case TransferEnd::timed_out:
      why = {ErrorCode::timed_out, target + "it did not take over within an election timeout"};
      break;
    case TransferEnd::replaced: why = {ErrorCode::invalid, target + "another transfer took its place"}; break;
    case TransferEnd::target_gone: why = {ErrorCode::not_found, target + "it left the cluster"}; break;
    case TransferEnd::lost_leadership: why = {ErrorCode::leadership_lost, target + "this node lost it first"}; break;
  }
  const auto end = std::ranges::find_if(transfers, [&](const auto& one) { return one.target != event.target; });
  for (auto pending = transfers.begin(); pending != end; ++pending) {
    if (event.end == TransferEnd::done) {
      pending->until = executor.now() + 2 * options.raft.election_timeout;
    } else {
      drain.owe<void>(std::move(pending->done), std::unexpected(why));
    }
  }
  if (event.end != TransferEnd::done) transfers.erase(transfers.begin(), end);
  const bool still_leads = event.end == TransferEnd::timed_out || event.end == TransferEnd::target_gone;
  if (machine_broken && still_leads && raft.role() == RoleName::leader) raft.step_down();
}

// A higher term alone proves nothing: somebody else may have campaigned in that moment.
void Node::Parts::leader_changed(NodeId leader) {
  if (leader == nobody) return;
  std::erase_if(transfers, [&](PendingTransfer& pending) {
    if (!pending.until) return false;
    Result<void> result;
    if (leader != pending.target) {
      result = keel::fail(ErrorCode::leadership_lost, fmt::format("leadership did not go to node {}: node {} leads",
                                                                  pending.target.value(), leader.value()));
    }
    drain.owe<void>(std::move(pending.done), std::move(result));
    return true;
  });
}

void Node::Parts::expire_transfers(Instant now) {
  std::erase_if(transfers, [&](PendingTransfer& pending) {
    if (!pending.until || now < *pending.until) return false;
    drain.owe<void>(std::move(pending.done),
                    keel::fail(ErrorCode::timed_out, fmt::format("node {} was asked to take over, and nobody has been "
                                                                 "heard to lead since",
                                                                 pending.target.value())));
    return true;
  });
}

std::optional<Instant> Node::Parts::transfers_deadline() const {
  std::optional<Instant> next;
  for (const PendingTransfer& pending : transfers) {
    if (pending.until) next = next ? std::min(*next, *pending.until) : pending.until;
  }
  return next;
}

// A leader that cannot apply hands its role over. If nobody else could lead it stays, and refuses commands: stepping
// down would only make it win again.
void Node::Parts::hand_over() {
  const NodeId best = raft.best_successor();
  if (best != nobody && !raft.transfer_leadership(best)) raft.step_down();
}

void Node::Parts::read(ReadLevel level, std::optional<Instant> deadline, Completion<Index> done) {
  wake();
  std::optional<Error> refused;
  if (!runs()) {
    refused = Error{ErrorCode::failed, "this node has failed: " + (failure ? failure->message : std::string())};
  } else if (machine_broken) {
    refused = Error{ErrorCode::failed, "this node's state machine has failed: " + failure->message};
  } else if (reads.size() >= options.max_waiting_reads) {
    refused = Error{ErrorCode::overloaded, fmt::format("{} reads wait already, which is max_waiting_reads; try again "
                                                       "later",
                                                       options.max_waiting_reads)};
  }
  if (refused) return drain.owe<Index>(std::move(done), std::unexpected(std::move(*refused)));
  if (level == ReadLevel::local) return drain.owe<Index>(std::move(done), applier.applied());
  reads.add(std::move(done), deadline);
}

void Node::Parts::ask_for_reads() {
  if (!reads.has_new()) return;
  const ReadId id = reads.ask();
  if (const auto asked = raft.read(id); !asked) reads.refused(id, asked.error(), drain);
}

void Node::Parts::read_ready(const ReadReady& ready) {
  if (ready.index) return reads.confirmed(ready.id, *ready.index);
  const bool leaderless = raft.leader() == nobody;
  reads.refused(ready.id,
                {leaderless ? ErrorCode::no_leader : ErrorCode::leadership_lost,
                 "leadership changed while the read was being confirmed; try again"},
                drain);
}

}  // namespace keel
