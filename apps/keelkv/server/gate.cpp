#include "keelkv/server/gate.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/server/key_slot.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

constexpr std::uint64_t replayed_in_time = 1u << 16;  // entries: a fraction of a second's work

bool is_for_strangers(std::string_view command) {
  constexpr std::string_view names[] = {"auth", "hello", "quit", "reset"};
  return std::ranges::find(names, command) != std::end(names);
}

}  // namespace

std::optional<std::string> KvGate::refusal(const CommandSpec& command, Args args, const KvSession& session) const {
  if (!knows(session) && !is_for_strangers(command.name)) return "NOAUTH Authentication required.";
  const bool touches_data = command.is_write() || command.is_read();
  if (touches_data && loading())
    return "LOADING this node is replaying its log; nothing was done, try again or ask another";
  const bool redirects = server_.settings().on_follower == OnFollower::moved;
  if (!redirects || std::holds_alternative<SessionHandler>(command.handler)) return std::nullopt;
  if (command.is_read() && session.read_only) return std::nullopt;
  return redirection(command, args);
}

bool KvGate::knows(const KvSession& session) const {
  return session.authenticated || server_.settings().password.empty();
}

// What names no key is served here. So is what would be sent to a leader whose address for clients is not known.
std::optional<std::string> KvGate::redirection(const CommandSpec& command, Args args) const {
  const NodeId leader = server_.replica().leader();
  if (leader == server_.settings().id) return std::nullopt;
  const auto keys = keys_of(command, args);
  if (keys.empty()) return std::nullopt;
  if (leader == nobody) return "CLUSTERDOWN no leader is known to this node; nothing was done, try again";
  const HostPort* const address = server_.roster().find(leader);
  if (address == nullptr) return std::nullopt;
  return fmt::format("MOVED {} {}:{}", slot_of(keys.front()), address->host, address->port);
}

// How much there is to replay is known once a leader has told what is committed.
bool KvGate::loading() const {
  if (loaded_) return false;
  const RaftStatus raft = server_.replica().status().raft;
  if (raft.leader == nobody || raft.commit == Index(0)) return false;
  loaded_ = raft.commit <= raft.applied || raft.commit - raft.applied <= replayed_in_time;
  return !loaded_;
}

}  // namespace keel
