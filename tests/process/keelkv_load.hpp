#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "keelkv_cluster.hpp"

namespace keel::test {

// Clients that write without a pause, each its own keys one after the other and a counter that all share, and remember
// what they were told. A client whose node is gone or refuses goes on at the next.
class KeelkvLoad {
 public:
  struct Totals {
    std::uint64_t acknowledged = 0;
    std::uint64_t refused = 0;  // not appended or discarded
    std::uint64_t unknown = 0;  // TIMEOUT, or no answer at all
  };

  KeelkvLoad(KeelkvCluster& cluster, std::size_t writers);
  ~KeelkvLoad() { stop(); }
  KeelkvLoad(const KeelkvLoad&) = delete;
  KeelkvLoad& operator=(const KeelkvLoad&) = delete;

  void stop();
  // Waits until so many writes more have been acknowledged; false if that takes for ever.
  bool await_acknowledged(std::uint64_t more);
  [[nodiscard]] Totals totals() const;
  // The same of the counter alone.
  [[nodiscard]] Totals counter() const;

  // After `stop`: the acknowledged writes that the node does not hold, looked up on that node alone.
  [[nodiscard]] std::vector<std::string> missing_on(std::size_t node) const;

  static constexpr const char* counter_key = "load:counter";

 private:
  void write(std::size_t writer);
  [[nodiscard]] static std::string key(std::size_t writer, std::uint64_t number);

  KeelkvCluster& cluster_;
  std::vector<std::uint16_t> ports_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Totals totals_;
  Totals counter_;
  std::vector<std::vector<std::uint64_t>> acknowledged_;  // by writer: its numbers
  std::vector<std::thread> threads_;
};

}  // namespace keel::test
