#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keel/sim/schedule.hpp"

namespace keel::sim {

// Clients that ask what is planned, each one thing at a time, and keep a history of what they saw. Without a maker of
// commands they read and write a few registers.
class Workload {
 public:
  using Maker = std::function<std::string(Random&)>;
  Workload(World& world, const Schedule& schedule, Maker maker, ReadLevel reads);

  void start();
  void stop() { running_ = false; }
  // Nobody waits for anything any more.
  [[nodiscard]] bool idle() const;
  // What the clients saw; of writes whose outcome they do not know, those that took effect.
  [[nodiscard]] std::vector<RegisterOperation> history() const;

 private:
  struct Record {
    const PlannedOperation* plan;
    RegisterOperation what;
    std::optional<Submitted> command;
    std::optional<Asked> read;
  };

  void next();
  void act(const PlannedOperation& plan);
  [[nodiscard]] RegisterOperation make(const PlannedOperation& plan) const;
  void send(std::size_t operation, NodeId node);
  void ended(std::size_t operation);
  void gave_up(std::size_t operation);
  [[nodiscard]] std::size_t& open(const PlannedOperation& plan) { return open_[plan.client]; }

  World& world_;
  const Schedule& schedule_;
  Maker maker_;
  ReadLevel reads_;
  std::size_t begun_ = 0;
  std::vector<std::size_t> open_;  // by client: what it waits for, its place in operations_ plus one
  std::vector<Record> operations_;
  std::uint64_t moment_ = 0;  // of calls and returns, one line for all
  bool running_ = false;
};

}  // namespace keel::sim
