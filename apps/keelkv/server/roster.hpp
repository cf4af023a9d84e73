#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keelkv/config/settings.hpp"

namespace keel {

class KvServer;

// What a node tells its peers, as its member data, about where clients reach it; empty when it does not know.
[[nodiscard]] std::string advertised_address(const KvSettings& settings);

// Where clients reach the other nodes, as each said when it last introduced itself to this one.
class Roster {
 public:
  void heard(NodeId node, std::string_view member_data);
  [[nodiscard]] const HostPort* find(NodeId node) const;
  // Whom to ask whether a node is connected with this one; without, all are taken to be.
  void ask_connections(std::function<bool(NodeId)> connected) { connected_ = std::move(connected); }
  [[nodiscard]] bool connected(NodeId node) const { return !connected_ || connected_(node); }

 private:
  std::map<NodeId, HostPort> addresses_;
  std::function<bool(NodeId)> connected_;
};

// A node's id in the 40 digits that cluster-aware clients expect.
[[nodiscard]] std::string node_name(NodeId id);

// One node as cluster-aware clients are told of it: all slots are the leader's, the others are its replicas.
struct RosterEntry {
  NodeId id;
  std::optional<HostPort> client;  // not known of a node that this one has not heard
  std::uint16_t peer_port = 0;
  bool is_self = false;
  bool leads = false;
  Index replicated;  // how far its log is known to go: on the leader of all, elsewhere of itself
  // On the leader: it has answered within an election timeout. Elsewhere: it leads, or is connected with this node.
  bool alive = true;
  std::chrono::seconds silent{};  // on the leader: since it last answered

  [[nodiscard]] std::string name() const { return node_name(id); }
};
// All nodes, the leader first if there is one.
[[nodiscard]] std::vector<RosterEntry> roster_of(const KvServer& server);

}  // namespace keel
