#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

// What one run showed. What a bench does not measure stays empty. "Each" is for each command that was answered,
// and not with an error.
struct Sample {
  double per_second = 0;
  std::optional<double> p50_us;
  std::optional<double> p99_us;
  std::optional<double> cpu_us;         // of the servers, all of them together, each
  std::optional<double> kernel_us;      // how much of that in the kernel
  std::optional<double> client_cpu_us;  // of the load generator, each
  std::optional<double> other_load;     // the share of all cores that neither took: 0.5 is one of two
  std::optional<double> syscalls;       // of the servers, each
  std::optional<double> syncs;          // of the servers, each
  std::optional<double> allocations;    // each
  std::uint64_t failures = 0;           // commands answered with an error, which no other figure counts
  std::string first_failure;

  void add_failures(std::uint64_t number, const std::string& first);
};

// One thing under one load, over all its runs.
struct Row {
  std::string who;   // "keelkv", "etcd", ...
  std::string load;  // "64 clients", ...
  Sample median;     // of each figure its own; of failures the sum, and the first
  double least = 0;  // commands a second
  double most = 0;
  std::vector<Sample> runs;  // empty if only their summary is known

  void add(const Sample& run);
};

struct Ratio {
  std::string what;
  double value = 0;
  std::string wanted;  // the floor or aim it is held against, in words; may be empty
};

struct Failover {
  std::string who;
  std::vector<double> ms;  // the last acknowledgement before the kill to the first after, round by round
  std::string note;
};

struct Report {
  std::vector<Row> rows;
  std::vector<Ratio> ratios;
  std::vector<Failover> failovers;
  std::vector<std::string> notes;  // what was left out and why, and what disturbed
};

[[nodiscard]] const Row* find(const Report& report, const std::string& who, const std::string& load);

}  // namespace bench
