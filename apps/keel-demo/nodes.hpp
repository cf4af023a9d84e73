#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keel-demo/child.hpp"
#include "keel-demo/client.hpp"

namespace demo {

// What INFO raft says of one node.
struct NodeView {
  std::string role = "down";
  std::uint64_t term = 0;
  std::uint64_t commit = 0;
  std::uint64_t applied = 0;
};

// Three keelkv processes in a folder.
class Nodes {
 public:
  static constexpr std::size_t count = 3;

  // `program` is keelkv, perhaps with words before it.
  Nodes(std::vector<std::string> program, std::string folder, std::vector<int> ports,
        std::chrono::milliseconds election_timeout);

  keel::Result<void> start(std::size_t node);
  void kill(std::size_t node) { children_[node].kill(); }
  [[nodiscard]] bool running(std::size_t node) { return children_[node].running(); }
  // Starts again whatever has ended; returns which.
  std::vector<std::size_t> revive();
  void end();

  [[nodiscard]] std::vector<NodeView> look();
  // The node that leads in the highest term anybody speaks of.
  [[nodiscard]] static std::optional<std::size_t> leader_of(const std::vector<NodeView>& views);

  [[nodiscard]] std::vector<int> client_ports() const { return {ports_.begin(), ports_.begin() + count}; }
  [[nodiscard]] pid_t pid(std::size_t node) const { return children_[node].pid(); }
  [[nodiscard]] std::string log(std::size_t node) const;

 private:
  NodeView look_at(std::size_t node);

  std::vector<std::string> program_;
  std::string folder_;
  std::vector<int> ports_;  // for clients, then for peers
  std::chrono::milliseconds election_timeout_;
  std::deque<Child> children_{count};
  std::deque<Client> clients_{count};
};

}  // namespace demo
