#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "keel-bench/servers.hpp"

// What one run of the node bench showed.
struct Figures {
  double per_second = 0;
  double median_us = 0;
  double p99_us = 0;
  double syncs = 0;   // of the leader, for each command
  double cpu_us = 0;  // of all three processes, for each command
  unsigned long long failures = 0;
};

// Three processes of this program, each with one member (see run_member). What goes wrong with them is thrown.
class ThreeMembers {
 public:
  // In a folder of their own under this one, or where data_folder() says if it is empty.
  explicit ThreeMembers(const std::string& folder, unsigned spin_us = 0);
  ~ThreeMembers();

  // Loads the leader for so long, from inside its process.
  Figures run(std::size_t in_flight, double seconds, std::size_t payload);

  [[nodiscard]] int leader() const { return leader_; }
  void stop(int id);
  void start(int id);
  // Up to which entry this member has applied.
  [[nodiscard]] std::uint64_t applied(int id);
  // Its largest resident set so far, in KiB.
  [[nodiscard]] std::uint64_t peak_memory(int id);

 private:
  class Process;

  void spawn(int id, bool again);
  void find_leader();
  Process& member(int id) { return *members_[static_cast<std::size_t>(id) - 1]; }
  double cpu_of_all();

  bench::Folder folder_;
  std::string ports_;
  unsigned spin_us_;
  std::vector<std::unique_ptr<Process>> members_;
  int leader_ = 0;
};
