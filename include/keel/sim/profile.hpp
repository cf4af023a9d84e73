#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace keel::sim {

// Kinds of faults that a profile may allow.
enum class Fault : std::uint32_t {
  none = 0,
  weather = 1,      // loss, repetition, reordering, delay
  partitions = 2,   // full, partial, one-way
  crashes = 4,      // of one, of the leader, of all; what was not synced is lost, torn, reordered
  pauses = 8,       // a process stands still
  leadership = 16,  // transfers, leaders that step down, timers that fire out of turn
  slow_disks = 32,  // syncs that take long, or hang
  bad_disks = 64,   // operations of every kind that fail; disks without space
  clocks = 128,     // fast, slow, stopped, jumping
  rot = 256,        // flipped bits in what was synced, on fewer nodes than a majority can do without
};
[[nodiscard]] constexpr Fault operator|(Fault a, Fault b) {
  return static_cast<Fault>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(Fault set, Fault one) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

// What random runs are made of: the sizes of clusters and the kinds of faults that a seed may draw.
struct Profile {
  std::string_view name;
  std::string_view about;
  std::size_t min_nodes = 3;
  std::size_t max_nodes = 5;
  Fault faults = Fault::none;
  bool swarm = false;  // each seed draws one to seven nodes, and which of these kinds it has: all, one, or any of them
};

[[nodiscard]] const std::vector<Profile>& profiles();
// Null if there is none of that name.
[[nodiscard]] const Profile* find_profile(std::string_view name);
inline constexpr std::string_view default_profile = "storm";

// The counts that a campaign of this profile and so many seeds must not end without: fewer than 100 show nothing, and
// what is seldom is missed only after 2000.
[[nodiscard]] std::vector<std::string_view> must_reach(const Profile& profile, std::uint64_t seeds);

}  // namespace keel::sim
