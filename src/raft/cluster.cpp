#include "keel/raft/cluster.hpp"

namespace keel {

namespace {

// Deviation: beside the voters of the thesis there are witnesses, which vote and do not lead.
bool counts(MemberRole role) { return role == MemberRole::voter || role == MemberRole::witness; }

bool holds(const std::vector<NodeId>& ids, NodeId id) { return std::ranges::find(ids, id) != ids.end(); }

}  // namespace

Cluster::Cluster(const Configuration& configuration) {
  for (const Member& member : configuration.members) {
    if (counts(member.role)) incoming_.push_back(member.id);
    if (configuration.joint && counts(member.old_role)) outgoing_.push_back(member.id);
    // While joint a voter of either half may lead (thesis, 4.3); a member that only leaves goes once the new half is in.
    const bool old_voter = configuration.joint && member.old_role == MemberRole::voter;
    if (member.role == MemberRole::voter || (old_voter && member.role != MemberRole::witness)) {
      leaders_.push_back(member.id);
    }
    const bool there = member.role != MemberRole::none || (configuration.joint && member.old_role != MemberRole::none);
    if (there) members_.push_back(member.id);
  }
}

bool Cluster::is_voter(NodeId id) const { return holds(incoming_, id) || holds(outgoing_, id); }
bool Cluster::is_member(NodeId id) const { return holds(members_, id); }
bool Cluster::can_lead(NodeId id) const { return holds(leaders_, id); }

}  // namespace keel
