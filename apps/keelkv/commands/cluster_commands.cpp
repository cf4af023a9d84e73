// CLUSTER, and what cluster-aware clients say beside it. There is one shard: its master is the leader.
#include <algorithm>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/server/key_slot.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

bool can_serve(const RosterEntry& node) { return node.alive && node.client; }

// Those that a client can be sent to; none while nobody leads that could be: then nobody serves the slots.
std::vector<RosterEntry> serving_nodes(const KvServer& server) {
  auto nodes = roster_of(server);
  std::erase_if(nodes, [](const RosterEntry& node) { return !can_serve(node); });
  if (nodes.empty() || !nodes.front().leads) nodes.clear();
  return nodes;
}

void slots(KvConnection& connection, Args, RespWriter& reply) {
  const auto nodes = serving_nodes(connection.server());
  if (nodes.empty()) return reply.array(0);
  reply.array(1);
  reply.array(2 + nodes.size());
  reply.integer(0);
  reply.integer(key_slots - 1);
  for (const RosterEntry& node : nodes) {
    reply.array(4);
    reply.bulk(node.client->host);
    reply.integer(node.client->port);
    reply.bulk(node.name());
    reply.array(0);  // other names of the host
  }
}

void describe_shard_node(const RosterEntry& node, RespWriter& reply) {
  const auto text = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
  };
  const auto number = [&](std::string_view name, std::uint64_t value) {
    reply.bulk(name);
    reply.integer(static_cast<std::int64_t>(value));
  };
  reply.map(7);
  text("id", node.name());
  number("port", node.client ? node.client->port : 0);
  text("ip", node.client ? node.client->host : "");
  text("endpoint", node.client ? node.client->host : "");
  text("role", node.leads ? "master" : "replica");
  number("replication-offset", node.replicated.value());
  text("health", can_serve(node) ? "online" : "fail");
}

void shards(KvConnection& connection, Args, RespWriter& reply) {
  const auto nodes = roster_of(connection.server());
  const bool served = !serving_nodes(connection.server()).empty();
  reply.array(1);
  reply.map(2);
  reply.bulk("slots");
  reply.array(served ? 2 : 0);
  if (served) {
    reply.integer(0);
    reply.integer(key_slots - 1);
  }
  reply.bulk("nodes");
  reply.array(nodes.size());
  for (const RosterEntry& node : nodes)
    describe_shard_node(node, reply);
}

// A line as in Redis's cluster files: id, address, flags, master, pings, epoch, link, slots.
void nodes(KvConnection& connection, Args, RespWriter& reply) {
  const auto all = roster_of(connection.server());
  const std::uint64_t term = connection.server().replica().status().raft.term.value();
  std::string lines;
  for (const RosterEntry& node : all) {
    const bool has_master = all.front().leads && !node.leads;
    lines += fmt::format("{} {}:{}@{} {}{}{} {} 0 0 {} {}{}\n", node.name(), node.client ? node.client->host : "",
                         node.client ? node.client->port : 0, node.peer_port, node.is_self ? "myself," : "",
                         node.leads ? "master" : "slave", node.alive ? "" : ",fail",
                         has_master ? all.front().name() : "-", term, can_serve(node) ? "connected" : "disconnected",
                         node.leads ? fmt::format(" 0-{}", key_slots - 1) : "");
  }
  reply.text(lines);
}

void cluster_info(KvConnection& connection, Args, RespWriter& reply) {
  const KvServer& server = connection.server();
  const bool served = !serving_nodes(server).empty();
  const std::uint64_t term = server.replica().status().raft.term.value();
  const int served_slots = served ? key_slots : 0;
  reply.text(
      fmt::format("cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\ncluster_slots_pfail:0\r\n"
                  "cluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\ncluster_size:1\r\ncluster_current_epoch:{}\r\n"
                  "cluster_my_epoch:{}\r\ncluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                  "total_cluster_links_buffer_limit_exceeded:0\r\n",
                  served ? "ok" : "fail", int{key_slots}, served_slots, key_slots - served_slots,
                  server.settings().cluster.size(), term, term));
}

void my_id(KvConnection& connection, Args, RespWriter& reply) {
  reply.bulk(node_name(connection.server().settings().id));
}

void key_slot(KvConnection&, Args args, RespWriter& reply) { reply.integer(slot_of(args[2])); }

bool read_slot(std::string_view text, std::int64_t& slot, RespWriter& reply) {
  const auto number = parse_integer(text);
  if (number) slot = *number;
  if (!number) reply.error(errors::not_an_integer);
  return number.has_value();
}

// All keys are looked at.
template <class Found>
void for_each_key_in(KvView& view, std::int64_t slot, Found found) {
  for (std::size_t i = 0; i < view.keys().size(); ++i) {
    const auto& entry = view.keys().at(i);
    if (slot_of(entry.first) == slot && view.sees(entry)) found(entry.first);
  }
}

void count_keys_in_slot(KvView& view, Args args, RespWriter& reply) {
  std::int64_t slot = 0;
  if (!read_slot(args[2], slot, reply)) return;
  if (slot < 0 || slot >= key_slots) return reply.error("ERR Invalid slot");
  std::int64_t count = 0;
  for_each_key_in(view, slot, [&](std::string_view) { ++count; });
  reply.integer(count);
}

void get_keys_in_slot(KvView& view, Args args, RespWriter& reply) {
  std::int64_t slot = 0;
  std::int64_t most = 0;
  if (!read_slot(args[2], slot, reply) || !read_slot(args[3], most, reply)) return;
  if (slot < 0 || slot >= key_slots || most < 0) return reply.error("ERR Invalid slot or number of keys");
  std::vector<std::string_view> found;
  for_each_key_in(view, slot, [&](std::string_view key) {
    if (std::cmp_less(found.size(), most)) found.push_back(key);
  });
  reply.array(found.size());
  for (const std::string_view key : found)
    reply.bulk(key);
}

// No slot ever moves, so that there is nothing to ask for.
void asking(KvConnection&, Args, RespWriter& reply) { reply.ok(); }

void read_only(KvConnection& connection, Args, RespWriter& reply) {
  connection.session().read_only = true;
  reply.ok();
}

void read_write(KvConnection& connection, Args, RespWriter& reply) {
  connection.session().read_only = false;
  reply.ok();
}

const CommandSpec cluster_subcommands[] = {
    {"cluster|countkeysinslot", 3, count_keys_in_slot, {}, "cluster", "Returns the number of keys in a slot."},
    {"cluster|getkeysinslot", 4, get_keys_in_slot, {}, "cluster", "Returns keys in a slot, at most so many."},
    {"cluster|help", 2, list_subcommands, {}, "cluster", "Lists the subcommands."},
    {"cluster|info", 2, cluster_info, {}, "cluster", "Describes the cluster."},
    {"cluster|keyslot", 3, key_slot, {}, "cluster", "Returns a key's slot."},
    {"cluster|myid", 2, my_id, {}, "cluster", "Returns this node's id."},
    {"cluster|nodes", 2, nodes, {}, "cluster", "Describes the nodes, a line each."},
    {"cluster|shards", 2, shards, {}, "cluster", "Describes the one shard: its slots and nodes."},
    {"cluster|slots", 2, slots, {}, "cluster", "Returns which nodes serve the slots."},
};

const CommandSpec cluster_table[] = {
    {"asking", 1, asking, {}, "cluster", "Taken; no slot ever moves."},
    {"cluster",
     -2,
     SessionHandler{nullptr},
     {},
     "cluster",
     "The cluster, as Redis Cluster tells it.",
     cluster_subcommands},
    {"readonly", 1, read_only, {}, "cluster", "A follower that redirects answers this connection's reads itself."},
    {"readwrite", 1, read_write, {}, "cluster", "Takes READONLY back."},
};

}  // namespace

std::span<const CommandSpec> cluster_commands() { return cluster_table; }

}  // namespace keel
