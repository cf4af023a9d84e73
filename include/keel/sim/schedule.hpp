#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keel/sim/history.hpp"
#include "keel/sim/profile.hpp"
#include "keel/sim/sim_disk.hpp"
#include "keel/sim/world.hpp"

namespace keel::sim {

enum class FaultKind : std::uint8_t {
  weather,  // of all links
  bad_link,
  isolate,
  split,
  cut_pair,
  one_way,
  crash,
  crash_all,
  pause,
  transfer,
  step_down,
  fire_timer,
  slow_disk,
  hang_disk,
  break_disk,
  fill_disk,
  rot,  // flips bits of what is synced, while the node is down
  clock_rate,
  clock_stop,
  clock_jump,
};
inline constexpr std::size_t fault_kinds = 20;
[[nodiscard]] std::string_view to_string(FaultKind kind);

// One fault, from its beginning to its end. What a kind does not use stays as it is here.
struct PlannedFault {
  Duration at{};
  FaultKind kind{};
  NodeId node{};        // whom it meets; nobody: no node in particular
  bool leader = false;  // if there is a leader at that moment, it instead
  Duration lasts{};

  NodeId other{};          // bad_link, cut_pair: the other end; transfer: to whom
  std::uint64_t with = 0;  // split: one side; one_way: the other ends. Bit n-1 is node n
  bool inbound = false;    // one_way: it hears nothing; else nobody hears it
  std::uint64_t loss = 0;  // weather, bad_link: these five are out of 1000
  std::uint64_t duplicate = 0;
  std::uint64_t reorder = 0;
  std::uint64_t spike = 0;
  std::uint64_t hint = 0;
  std::uint64_t slower = 0;  // times the latency; 0: as it was
  Duration spike_latency{};
  std::uint64_t bandwidth = 0;   // bytes a second; 0: no limit
  std::uint64_t timer = 0;       // fire_timer: which of a leader's
  bool mid_write = false;        // crash: as soon as its disk writes, if that is soon
  bool change_settings = false;  // crash: it comes back with PreVote the other way round
  DiskOp op{};                   // break_disk
  std::uint64_t nth = 0;         // break_disk: which of these operations fails
  bool power_cut = false;        // break_disk: it is started anew before that, to fail at its start
  std::uint64_t room = 0;        // fill_disk: bytes that are left
  std::uint64_t rate = 0;        // clock_rate: in a million
  Duration by{};                 // slow_disk, clock_jump
  std::uint64_t place = 0;       // rot: where, drawn
};

// One thing that a client asks, unless it still waits for what it asked before.
struct PlannedOperation {
  Duration at{};
  std::uint32_t client = 0;
  std::uint32_t number = 0;  // among the client's: makes its value unlike all others
  NodeId node{};
  bool leader = false;  // as in PlannedFault
  RegisterCall call{};
  std::uint32_t key = 0;
  std::uint32_t size = 0;  // bytes of the value, at least
  Duration patience{};     // twice that, and the client goes on without an answer
  bool deadline = false;   // the node is told its patience
  bool logged = false;     // a get that goes through the log
  bool forward = true;
  bool own_term = false;  // only in the term that the node is in
};

// All that a random run is made of, but for the chances of networks and disks, which come from its seed. Equal schedules
// give equal runs.
struct Schedule {
  std::uint64_t seed = 1;
  std::string profile;
  WorldOptions world;                        // what is drawn of it; a run sets the rest
  Duration storm{};                          // how long before everything is healed
  std::vector<PlannedFault> faults;          // in the order of their times
  std::vector<PlannedOperation> operations;  // likewise
};

// What a seed draws. The same seed and profile give the same.
[[nodiscard]] Schedule draw_schedule(std::uint64_t seed, const Profile& profile);

// As text: settings, then a line for each fault and operation. `parse_schedule` reads it back whole; its errors are
// `invalid`, naming the line if it is one that is wrong.
[[nodiscard]] std::string to_text(const Schedule& schedule);
[[nodiscard]] Result<Schedule> parse_schedule(std::string_view text);
// The settings, and how much there is of which faults and operations, in a few lines.
[[nodiscard]] std::string summary(const Schedule& schedule);
[[nodiscard]] std::string describe(const PlannedFault& fault);
[[nodiscard]] std::string describe(const PlannedOperation& operation);

}  // namespace keel::sim
