#include <array>
#include <string>

#include "keel/raft/event.hpp"
#include "raft/text.hpp"

namespace keel {

namespace {

std::string fields(const RoleChanged& e) { return std::string(to_string(e.role)) + " term " + text(e.term); }
std::string fields(const TermChanged& e) { return text(e.term); }
std::string fields(const LeaderChanged& e) {
  return (e.leader == nobody ? std::string("nobody") : "node " + text(e.leader)) + " term " + text(e.term);
}
std::string fields(const CampaignStarted& e) {
  return std::string(e.pre_vote ? "rehearsal for" : "for") + " term " + text(e.term) +
         (e.for_transfer ? ", asked" : "");
}
std::string fields(const VoteCast& e) { return "for node " + text(e.candidate) + " term " + text(e.term); }
std::string fields(const SplitVote& e) { return "term " + text(e.term); }
std::string fields(const LeaderReady& e) { return "term " + text(e.term); }
std::string fields(const SteppedDown& e) { return "term " + text(e.term) + ": " + std::string(to_string(e.reason)); }
std::string fields(const CommitAdvanced& e) { return text(e.commit); }
std::string fields(const EntriesAppended& e) { return text(e.range) + " term " + text(e.term); }
std::string fields(const EntriesTruncated& e) { return text(e.range); }
std::string fields(const ConfigurationInForce& e) {
  std::string out = "index " + text(e.index) + ":";
  for (const Member& member : e.configuration->members)
    out += " " + text(member.id);
  return out + (e.configuration->joint ? " (joint)" : "");
}
std::string fields(const PeerStateChanged& e) { return "node " + text(e.peer) + " " + std::string(to_string(e.state)); }
std::string fields(const MessageRejected& e) {
  return std::string(e.type) + " from node " + text(e.from) + ": " + std::string(to_string(e.reason));
}
std::string fields(const TransferStarted& e) { return "to node " + text(e.target); }
std::string fields(const TransferEnded& e) {
  return "to node " + text(e.target) + ": " + std::string(to_string(e.end));
}
std::string fields(const StorageStalled& e) { return text(e.stalled); }
std::string fields(const FetchFailed& e) {
  return text(e.range) + " for node " + text(e.peer) + ": " + std::string(to_string(e.error.code)) + ", " +
         e.error.message;
}
std::string fields(const ProtocolViolation& e) { return e.what; }

constexpr std::array<std::string_view, std::variant_size_v<RaftEvent>> names = {
    "RoleChanged",      "TermChanged",          "LeaderChanged",    "CampaignStarted",  "VoteCast",
    "SplitVote",        "LeaderReady",          "SteppedDown",      "CommitAdvanced",   "EntriesAppended",
    "EntriesTruncated", "ConfigurationInForce", "PeerStateChanged", "MessageRejected",  "TransferStarted",
    "TransferEnded",    "StorageStalled",       "FetchFailed",      "ProtocolViolation"};

}  // namespace

std::string_view to_string(RoleName role) {
  switch (role) {
    case RoleName::follower: return "follower";
    case RoleName::candidate: return "candidate";
    case RoleName::leader: return "leader";
  }
  return "unknown";
}

std::string_view to_string(ReplicationState state) {
  switch (state) {
    case ReplicationState::probe: return "probe";
    case ReplicationState::pipeline: return "pipeline";
    case ReplicationState::snapshot: return "snapshot";
  }
  return "unknown";
}

std::string_view to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::old_term: return "old_term";
    case RejectReason::stranger: return "stranger";
    case RejectReason::not_for_us: return "not_for_us";
    case RejectReason::stale: return "stale";
    case RejectReason::malformed: return "malformed";
    case RejectReason::wrong_role: return "wrong_role";
  }
  return "unknown";
}

std::string_view to_string(StepDownReason reason) {
  switch (reason) {
    case StepDownReason::higher_term: return "higher_term";
    case StepDownReason::lost_quorum: return "lost_quorum";
    case StepDownReason::disk_stalled: return "disk_stalled";
    case StepDownReason::removed: return "removed";
    case StepDownReason::asked: return "asked";
  }
  return "unknown";
}

std::string_view to_string(TransferEnd end) {
  switch (end) {
    case TransferEnd::done: return "done";
    case TransferEnd::timed_out: return "timed_out";
    case TransferEnd::replaced: return "replaced";
    case TransferEnd::target_gone: return "target_gone";
    case TransferEnd::lost_leadership: return "lost_leadership";
  }
  return "unknown";
}

std::string_view name_of(const RaftEvent& event) { return names[event.index()]; }

std::string describe(const RaftEvent& event) {
  return std::string(name_of(event)) + " " + std::visit([](const auto& e) { return fields(e); }, event);
}

}  // namespace keel
