#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keel/sim/history.hpp"
#include "keel/sim/world.hpp"

namespace keel::sim {

// Clients that each do one thing after the other, at any node, and keep a history of what they saw. Without a maker of
// commands they read and write a few registers.
class Workload {
 public:
  using Maker = std::function<std::string(Random&)>;
  Workload(World& world, Random random, Maker maker, ReadLevel reads);

  void start();
  void stop() { running_ = false; }
  // Nobody waits for anything any more.
  [[nodiscard]] bool idle() const;
  // What the clients saw; of writes whose outcome they do not know, those that took effect.
  [[nodiscard]] std::vector<RegisterOperation> history() const;

 private:
  struct Client {
    Random random;
    NodeId node{};                // where it asks next
    std::uint64_t operation = 0;  // in flight: its place in operations_ plus one
    std::uint64_t written = 0;
  };
  struct Record {
    RegisterOperation what;
    std::optional<Submitted> command;
    std::optional<Asked> read;
  };

  void think(std::size_t client);
  void act(std::size_t client);
  RegisterOperation make(std::size_t client);
  std::string value(std::size_t client);
  void send(std::size_t client, std::size_t operation);
  void ended(std::size_t client, std::size_t operation);
  void gave_up(std::size_t client, std::size_t operation);
  void next_node(Client& client);

  World& world_;
  Random random_;
  Maker maker_;
  ReadLevel reads_;
  std::vector<Client> clients_;
  std::vector<Record> operations_;
  std::uint64_t moment_ = 0;  // of calls and returns, one line for all
  bool running_ = false;
  std::size_t keys_ = 1;
  Duration thinking_{};
  Duration patience_{};
  double big_ = 0;
};

}  // namespace keel::sim
