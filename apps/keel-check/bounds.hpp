#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "keel/raft/options.hpp"

namespace keel::check {

// What may happen so many times in one run, whoever it happens to.
enum class Budget : std::uint8_t {
  elections,      // election timers that run out
  heartbeats,     // heartbeat timers that run out
  quorum_checks,  // leaders that find that they have lost their quorum
  stalls,         // writes that take too long
  transfers,      // of leadership, asked for
  step_downs,     // leaders that are told to give up their role
  unreachables,   // leaders that are told that what they sent to a peer may be lost
  reads,          // asked for, of a leader or of a follower that knows one
  commands,       // proposed
  losses,         // of messages
  duplicates,     // messages that arrive and stay under way
  crashes,        // power cuts, with the restart
  late_notices,   // of writes that are durable, once more, behind that of a later one
  lost_tails,     // restarts of nodes whose disk has lost the last entry, and says so
};
inline constexpr std::size_t budget_kinds = 14;

// Bugs of the world around the Rafts, for testing the checker itself.
enum class Planted : std::uint8_t {
  nothing,
  forgotten_vote,          // a crash loses the vote, whatever was durable
  early_acknowledgement,   // messages do not wait for their write, and nobody objects
  forged_acknowledgement,  // refused appends arrive as accepted
  silent_loss,             // a store that has lost its last entry does not know that there was one
  old_read_index,          // a read is confirmed with the index before
  weak_identity,           // of what tells nodes apart only few bits are looked at
  weak_hash,               // likewise of clusters
};

// How far everything is tried out: within this, all of it.
struct Bounds {
  unsigned nodes = 3;
  unsigned learners = 0;  // the last of them
  unsigned terms = 2;     // that may begin; the cluster starts in one in which nobody leads
  unsigned inflight = 3;  // messages under way
  std::array<unsigned, budget_kinds> budgets{3, 0, 0, 0, 0, 0, 0, 0, 1};

  bool pre_vote = true;
  bool check_quorum = true;
  bool eager_commit = true;
  bool single_entries = false;  // a message carries one entry at most

  std::uint64_t memory = std::uint64_t{4} << 30;  // bytes
  double seconds = 0;                             // 0: until it is done
  Planted planted = Planted::nothing;
  bool audit = false;  // see Explorer::audit

  [[nodiscard]] unsigned& of(Budget budget) { return budgets[static_cast<std::size_t>(budget)]; }
  [[nodiscard]] unsigned of(Budget budget) const { return budgets[static_cast<std::size_t>(budget)]; }
};

inline constexpr unsigned most_nodes = 5;
inline constexpr unsigned most_terms = 7;
inline constexpr unsigned most_inflight = 32;
inline constexpr unsigned most_of_a_budget = 15;
inline constexpr unsigned most_reads = 4;
inline constexpr std::uint64_t weak_bits = 0xfff;
inline constexpr std::uint64_t least_memory = std::uint64_t{1} << 20;

// Errors: `invalid`, naming the flag, its value and what is allowed.
[[nodiscard]] Result<void> validate(const Bounds& bounds);

// "4G", "512M", "100000000" as bytes. Errors: `invalid`.
[[nodiscard]] Result<std::uint64_t> parse_memory(std::string_view text);

// The flags that lead to these bounds, without those for memory and time.
[[nodiscard]] std::string flags_of(const Bounds& bounds);

// In each life a node draws other numbers, first of all those of its questions for reads.
[[nodiscard]] RaftOptions options_for(const Bounds& bounds, NodeId id, unsigned life);

}  // namespace keel::check
