#include "keelkv/server/info.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "keelkv/commands/command.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

using Text = std::back_insert_iterator<std::string>;

std::string_view name_of(NodeState state) {
  switch (state) {
    case NodeState::running: return "running";
    case NodeState::failed: return "failed";
    case NodeState::stopping: return "stopping";
    case NodeState::stopped: return "stopped";
  }
  return "unknown";
}

std::uint64_t lag_of(const RaftStatus& raft, const PeerStatus& peer) {
  return raft.last > peer.match ? raft.last - peer.match : 0;
}

std::string hash_text(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

bool redirects(const KvServer& server) { return server.settings().on_follower == OnFollower::moved; }

void server_section(const KvServer& server, Text out) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(server.executor().now() - server.started());
  fmt::format_to(out, "redis_version:{}\r\nredis_mode:{}\r\nkeelkv_version:{}\r\n", redis_version,
                 redirects(server) ? "cluster" : "standalone", KEEL_VERSION);
  fmt::format_to(out, "arch_bits:{}\r\nmultiplexing_api:epoll\r\nprocess_id:{}\r\n", 8 * sizeof(void*), ::getpid());
  fmt::format_to(out, "tcp_port:{}\r\nuptime_in_seconds:{}\r\nuptime_in_days:{}\r\n", server.address().port,
                 uptime.count(), uptime.count() / 86400);
  fmt::format_to(out, "config_file:{}\r\n", server.settings().config_file);
}

void clients_section(const KvServer& server, Text out) {
  fmt::format_to(out, "connected_clients:{}\r\nmaxclients:{}\r\nblocked_clients:0\r\nclient_buffer_bytes:{}\r\n",
                 server.connections().size(), server.settings().max_clients, server.memory());
}

void memory_section(const KvServer& server, Text out) {
  fmt::format_to(out, "used_memory_dataset:{}\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n",
                 server.machine().store().bytes());
}

void persistence_section(const KvServer& server, Text out) {
  const LogStats log = server.replica().status().log;
  fmt::format_to(out, "loading:{}\r\naof_enabled:1\r\nlog_bytes:{}\r\nlog_room:{}\r\nlog_syncs:{}\r\n",
                 server.gate().loading() ? 1 : 0, log.bytes, log.room, log.syncs);
}

void stats_section(const KvServer& server, Text out) {
  const KvCounters& counters = server.counters();
  fmt::format_to(out, "total_connections_received:{}\r\nrejected_connections:{}\r\n", counters.connections,
                 counters.refused_connections);
  fmt::format_to(out, "total_commands_processed:{}\r\nprotocol_errors:{}\r\n", counters.requests,
                 counters.protocol_errors);
  fmt::format_to(out, "writes_acknowledged:{}\r\nwrites_not_appended:{}\r\nwrites_unknown:{}\r\n",
                 counters.acknowledged, counters.not_appended, counters.unknown);
  fmt::format_to(out, "closed_for_output:{}\r\nclosed_for_memory:{}\r\nclosed_for_idleness:{}\r\n",
                 counters.closed_for_output, counters.closed_for_memory, counters.closed_for_idleness);
  fmt::format_to(out, "acl_access_denied_auth:{}\r\n", counters.wrong_passwords);
}

// A replica that is gone is not listed, as in Redis.
void replicas_lines(std::span<const RosterEntry> nodes, Text out) {
  const auto is_there = [](const RosterEntry& node) { return !node.leads && node.alive; };
  fmt::format_to(out, "role:master\r\nconnected_slaves:{}\r\n", std::ranges::count_if(nodes, is_there));
  int number = 0;
  for (const RosterEntry& node : nodes) {
    if (!is_there(node)) continue;
    fmt::format_to(out, "slave{}:ip={},port={},state={},offset={},lag={}\r\n", number++,
                   node.client ? node.client->host : "", node.client ? node.client->port : 0,
                   node.client ? "online" : "wait_bgsave", node.replicated.value(), node.silent.count());
  }
}

// A node that forwards takes reads and writes, so that to a Redis client it is a master by itself; `raft` tells how it is.
void replication_section(const KvServer& server, Text out) {
  const auto nodes = roster_of(server);
  const auto self = std::ranges::find_if(nodes, &RosterEntry::is_self);
  if (!redirects(server) || self == nodes.end()) {
    fmt::format_to(out, "role:master\r\nconnected_slaves:0\r\n");
  } else if (self->leads) {
    replicas_lines(nodes, out);
  } else {
    const bool is_led = nodes.front().leads && nodes.front().client;
    const HostPort master = is_led ? *nodes.front().client : HostPort{};
    fmt::format_to(out, "role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\n", master.host,
                   master.port, is_led ? "up" : "down");
    fmt::format_to(out, "master_sync_in_progress:0\r\nslave_repl_offset:{}\r\nslave_read_only:1\r\n",
                   self->replicated.value());
  }
}

void cluster_section(const KvServer& server, Text out) {
  fmt::format_to(out, "cluster_enabled:{}\r\n", redirects(server) ? 1 : 0);
}

void raft_section(const KvServer& server, Text out) {
  const NodeStatus status = server.replica().status();
  const RaftStatus& raft = status.raft;
  fmt::format_to(out, "raft_id:{}\r\nraft_state:{}\r\nraft_role:{}\r\nraft_term:{}\r\n", raft.id.value(),
                 name_of(status.state), to_string(raft.role), raft.term.value());
  const HostPort* const client = server.roster().find(raft.leader);
  fmt::format_to(out, "raft_ready:{}\r\nraft_leader_client:{}\r\n", raft.ready ? 1 : 0,
                 client == nullptr ? "" : to_string(*client));
  fmt::format_to(out, "raft_leader:{}\r\nraft_leader_address:{}\r\n", raft.leader.value(), status.leader_address);
  fmt::format_to(out, "raft_commit:{}\r\nraft_applied:{}\r\nraft_stable:{}\r\nraft_last:{}\r\nraft_first:{}\r\n",
                 raft.commit.value(), raft.applied.value(), raft.stable.value(), raft.last.value(), raft.first.value());
  fmt::format_to(out, "raft_commands_waiting:{}\r\nraft_reads_waiting:{}\r\n", status.commands_waiting,
                 status.reads_waiting);
  for (const PeerStatus& peer : raft.peers) {
    fmt::format_to(out, "raft_peer_{}:state={},match={},lag={}\r\n", peer.id.value(), to_string(peer.state),
                   peer.match.value(), lag_of(raft, peer));
  }
  const KvMachine& machine = server.machine();
  fmt::format_to(out, "state_index:{}\r\nstate_hash:{}\r\n", server.applied().value(),
                 hash_text(machine.store().hash()));
  for (const auto& [index, hash] : machine.checkpoints()) {
    fmt::format_to(out, "state_hash_{}:{}\r\n", index.value(), hash_text(hash));
  }
}

void keyspace_section(const KvServer& server, Text out) {
  const KvStore& store = server.machine().store();
  if (store.keys().empty()) return;
  fmt::format_to(out, "db0:keys={},expires={},avg_ttl=0\r\n", store.keys().size(), store.expiring());
}

struct Section {
  std::string_view title;
  void (*write)(const KvServer& server, Text out);
};
constexpr Section sections_in_order[] = {
    {"Server", server_section},     {"Clients", clients_section},
    {"Memory", memory_section},     {"Persistence", persistence_section},
    {"Stats", stats_section},       {"Replication", replication_section},
    {"Raft", raft_section},         {"Cluster", cluster_section},
    {"Keyspace", keyspace_section},
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

}  // namespace

std::string info_text(const KvServer& server, std::span<const std::string_view> sections) {
  const auto named = [&](std::string_view name) {
    return std::ranges::any_of(sections, [&](std::string_view word) { return equal_ignoring_case(word, name); });
  };
  const bool all = sections.empty() || named("all") || named("default") || named("everything");
  std::string text;
  for (const auto& [title, write] : sections_in_order) {
    if (!all && !named(title)) continue;
    fmt::format_to(std::back_inserter(text), "{}# {}\r\n", text.empty() ? "" : "\r\n", title);
    write(server, std::back_inserter(text));
  }
  return text;
}

std::string status_json(const KvServer& server) {
  const NodeStatus status = server.replica().status();
  const RaftStatus& raft = status.raft;
  const KvMachine& machine = server.machine();
  std::string peers;
  for (const PeerStatus& peer : raft.peers) {
    peers += fmt::format("{}{{\"id\":{},\"state\":{},\"match\":{},\"lag\":{}}}", peers.empty() ? "" : ",",
                         peer.id.value(), json_string(to_string(peer.state)), peer.match.value(), lag_of(raft, peer));
  }
  std::string text = fmt::format("{{\"id\":{},\"state\":\"{}\",\"role\":\"{}\",\"ready\":{},\"term\":{},\"leader\":{}",
                                 raft.id.value(), name_of(status.state), to_string(raft.role), raft.ready,
                                 raft.term.value(), raft.leader.value());
  text +=
      fmt::format(",\"leader_address\":{},\"commit\":{},\"applied\":{},\"last\":{}", json_string(status.leader_address),
                  raft.commit.value(), server.applied().value(), raft.last.value());
  text += fmt::format(",\"state_hash\":\"{}\",\"keys\":{},\"acknowledged\":{},\"not_appended\":{},\"unknown\":{}",
                      hash_text(machine.store().hash()), machine.store().keys().size(), server.counters().acknowledged,
                      server.counters().not_appended, server.counters().unknown);
  text += fmt::format(",\"clients\":{},\"log_bytes\":{},\"peers\":[{}]", server.connections().size(), status.log.bytes,
                      peers);
  if (status.failure) text += fmt::format(",\"failure\":{}", json_string(status.failure->message));
  return text + "}";
}

}  // namespace keel
