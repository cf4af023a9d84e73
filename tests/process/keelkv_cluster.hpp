#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "child_process.hpp"
#include "redis_client.hpp"
#include "reserved_port.hpp"
#include "temporary_directory.hpp"

namespace keel::test {

inline SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
// Only a hang takes so long; no test measures itself by it.
inline constexpr std::chrono::milliseconds patience = std::chrono::seconds(60);

// What a process says until this pipe of it ends: that it has ended does not mean that all it said has been read.
inline std::string all_said(ChildOutput& output) {
  output.wait_for([](std::string_view) { return false; }, in(patience));
  return output.text();
}

// Another program, such as a client.
inline Ended run(std::vector<std::string> command) { return run_to_end(std::move(command), in(patience)); }

// keelkv processes on this machine: ports and data directories of their own, started and killed at will.
class KeelkvCluster {
 public:
  explicit KeelkvCluster(std::size_t nodes, std::vector<std::string> flags = {});

  // Starts node i (from 0) and waits for its line; false when it ends instead.
  bool start(std::size_t node, void (*before_exec)() = [] {}, const std::vector<std::string>& more_flags = {});
  bool start_all();
  [[nodiscard]] bool runs(std::size_t node) const { return nodes_[node].process != nullptr; }
  // SIGKILL, and waits until it is gone.
  void kill(std::size_t node);
  // SIGTERM; its exit status.
  std::optional<int> stop(std::size_t node);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] ChildProcess& process(std::size_t node) { return *nodes_[node].process; }
  [[nodiscard]] std::uint16_t port(std::size_t node) const { return nodes_[node].client_port.number(); }
  [[nodiscard]] std::string data(std::size_t node) const;
  [[nodiscard]] std::vector<std::string> command(std::size_t node) const;
  [[nodiscard]] std::unique_ptr<RedisClient> client(std::size_t node) const;

  // Waits until some running node that took part in an election of a term above `after` says that it leads and is
  // ready; its number.
  std::optional<std::size_t> await_leader(std::uint64_t after = 0, std::chrono::milliseconds longest = patience);
  // The highest term in which a node that still runs has led.
  [[nodiscard]] std::uint64_t led_term(std::size_t node);

  // A field of KEEL STATUS, as written there; empty when the node does not answer.
  [[nodiscard]] std::string status(std::size_t node, const std::string& field);
  // Waits until each running node has applied all that is committed now, and shows the same state at the same index.
  testing::AssertionResult await_same_state();

 private:
  struct Node {
    ReservedPort client_port;
    ReservedPort peer_port;
    std::unique_ptr<ChildProcess> process;
  };

  std::vector<std::string> flags_;
  TemporaryDirectory folder_;
  std::vector<Node> nodes_;
};

}  // namespace keel::test
