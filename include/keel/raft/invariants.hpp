#pragma once

#include <optional>
#include <span>
#include <string>

#include "keel/raft/raft.hpp"

namespace keel {

// What must always be true, as code: of one node, of one node against itself a step ago, and across a cluster (Raft,
// Figure 3). Run after every step of every test; each returns the first sentence that does not hold.

// What a later step of the same node is held against.
struct Remembered {
  HardState hard_state;
  LogPosition committed;
  Index applied;
  RoleName role = RoleName::follower;
  Index last;                      // of the log
  std::size_t peers = 0;           // of a leader
  std::uint64_t acknowledged = 0;  // by them, indices added up
};
[[nodiscard]] Remembered remember(const Raft& raft);

[[nodiscard]] std::optional<std::string> check_node(const Raft& raft);
[[nodiscard]] std::optional<std::string> check_step(const Remembered& before, const Raft& after);
// The step was this message, and it came from another member of the node's group.
[[nodiscard]] std::optional<std::string> check_received(const Raft& before, const Message& message, const Raft& after);
// Of what the node had to say in that step, each message.
[[nodiscard]] std::optional<std::string> check_answer(const Raft& before, const Message& message, const Raft& after,
                                                      const Message& answer);
// The step was this timer's running out: of a write, while one was under way.
[[nodiscard]] std::optional<std::string> check_expired(Timer timer, const Raft& after);
// Two nodes of one group against one another. Depends on nothing of theirs but role, term, commit and the terms in the
// log: a pair of which nothing of that has changed need not be asked again.
[[nodiscard]] std::optional<std::string> check_pair(const Raft& a, const Raft& b);
// Each pair. `nodes` are those that are up, of one group. What crashed nodes committed must be remembered by who crashes them.
[[nodiscard]] std::optional<std::string> check_cluster(std::span<const Raft* const> nodes);

}  // namespace keel
