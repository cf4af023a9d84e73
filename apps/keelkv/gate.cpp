#include "keelkv/gate.hpp"

#include "keelkv/kv_connection.hpp"
#include "keelkv/kv_server.hpp"

namespace keel {

namespace {

constexpr std::uint64_t replayed_in_time = 1u << 16;  // entries: a fraction of a second's work

}  // namespace

std::optional<std::string> KvGate::refusal(const CommandSpec& command, Args, const KvSession&) const {
  if (!command.is_write() && !command.is_read()) return std::nullopt;
  if (loading()) return "LOADING this node is replaying its log; nothing was done, try again or ask another";
  return std::nullopt;
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
