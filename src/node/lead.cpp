// Leadership, as far as the node has a part in it, and reads.
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
  while (!transfers.empty() && transfers.front().target == event.target) {
    Result<void> result;
    const std::string target = fmt::format("leadership did not go to node {}: ", event.target.value());
    switch (event.end) {
      case TransferEnd::done: break;
      case TransferEnd::timed_out:
        result = keel::fail(ErrorCode::timed_out, target + "it did not take over within an election timeout");
        break;
      case TransferEnd::replaced:
        result = keel::fail(ErrorCode::invalid, target + "another transfer took its place");
        break;
      case TransferEnd::target_gone: result = keel::fail(ErrorCode::not_found, target + "it left the cluster"); break;
      case TransferEnd::lost_leadership:
        result = keel::fail(ErrorCode::leadership_lost, target + "this node lost it first");
        break;
    }
    drain.owe<void>(std::move(transfers.front().done), std::move(result));
    transfers.erase(transfers.begin());
  }
  const bool still_leads = event.end == TransferEnd::timed_out || event.end == TransferEnd::target_gone;
  if (machine_broken && still_leads && raft.role() == RoleName::leader) raft.step_down();
}

// A leader that cannot apply gives its role to whoever holds most of the log. If nobody else could lead it stays, and
// refuses commands: stepping down would only make it win again.
void Node::Parts::hand_over() {
  if (raft.role() != RoleName::leader) return;
  NodeId best = nobody;
  Index match;
  for (const PeerStatus& peer : raft.status().peers) {
    if (!raft.cluster().can_lead(peer.id)) continue;
    if (best == nobody || peer.match > match) {
      best = peer.id;
      match = peer.match;
    }
  }
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
