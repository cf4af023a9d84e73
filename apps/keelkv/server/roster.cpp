#include "keelkv/server/roster.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

bool is_wildcard(std::string_view host) { return host == "0.0.0.0" || host == "::" || host == "*"; }

const Member* find_member(const KvSettings& settings, NodeId id) {
  const auto found = std::ranges::find(settings.cluster, id, &Member::id);
  return found == settings.cluster.end() ? nullptr : &*found;
}

// A node that listens everywhere is reached by clients where its peers reach it.
HostPort client_address(const KvSettings& settings, std::uint16_t listening_port) {
  if (settings.advertise) return *settings.advertise;
  HostPort address{settings.listen.host, listening_port};
  if (!is_wildcard(address.host)) return address;
  const Member* const self = find_member(settings, settings.id);
  const auto peer = self == nullptr ? Result<HostPort>(address) : parse_host_port(self->address);
  if (peer) address.host = peer->host;
  return address;
}

}  // namespace

std::string advertised_address(const KvSettings& settings) {
  const HostPort address = client_address(settings, settings.listen.port);
  return address.port == 0 || is_wildcard(address.host) ? "" : to_string(address);
}

void Roster::heard(NodeId node, std::string_view member_data) {
  auto address = parse_host_port(member_data);
  if (!address || address->port == 0) {
    addresses_.erase(node);
  } else {
    addresses_[node] = std::move(*address);
  }
}

const HostPort* Roster::find(NodeId node) const {
  const auto found = addresses_.find(node);
  return found == addresses_.end() ? nullptr : &found->second;
}

std::string node_name(NodeId id) { return fmt::format("{:040x}", id.value()); }

namespace {

// What the leader knows of a peer of its own.
void add_peer_status(RosterEntry& entry, const RaftStatus& raft, const KvServer& server) {
  const auto peer = std::ranges::find(raft.peers, entry.id, &PeerStatus::id);
  entry.alive = false;
  if (peer == raft.peers.end()) return;
  entry.replicated = peer->match;
  if (!peer->last_heard) return;
  const Duration silence = server.executor().now() - *peer->last_heard;
  entry.alive = silence < server.settings().election_timeout;
  entry.silent = std::chrono::duration_cast<std::chrono::seconds>(silence);
}

}  // namespace

std::vector<RosterEntry> roster_of(const KvServer& server) {
  const KvSettings& settings = server.settings();
  const RaftStatus raft = server.replica().status().raft;
  const bool is_leader = raft.leader == settings.id;
  std::vector<RosterEntry> entries;
  for (const Member& member : settings.cluster) {
    const auto peer_address = parse_host_port(member.address);
    RosterEntry entry{.id = member.id,
                      .client = {},
                      .peer_port = peer_address ? peer_address->port : std::uint16_t{0},
                      .is_self = member.id == settings.id,
                      .leads = raft.leader == member.id,
                      .replicated = {}};
    if (const HostPort* const known = server.roster().find(member.id)) entry.client = *known;
    if (entry.is_self) {
      entry.client = client_address(settings, server.address().port);
      entry.replicated = raft.stable;
    } else if (is_leader) {
      add_peer_status(entry, raft, server);
    } else {
      entry.alive = entry.leads || server.roster().connected(member.id);
    }
    entries.push_back(std::move(entry));
  }
  const auto leader = std::ranges::find_if(entries, &RosterEntry::leads);
  if (leader != entries.end()) std::rotate(entries.begin(), leader, leader + 1);
  return entries;
}

}  // namespace keel
