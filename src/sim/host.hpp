#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "keel/node/node.hpp"
#include "keel/sim/clock.hpp"
#include "keel/sim/executor.hpp"
#include "keel/sim/sim_disk.hpp"
#include "keel/sim/world.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "sim/watched.hpp"

namespace keel::sim {

// The time that a node's hardware goes by: true, whatever the node's own clock shows. Its events are the node's: they
// wait while it is paused and end with it. What ends later than at once ends at a multiple of `grain`.
class HardwareExecutor final : public Executor {
 public:
  HardwareExecutor(Timeline& timeline, Owner owner, Duration grain)
      : timeline_(timeline), owner_(owner), grain_(grain) {}

  void post(Task task) override { timeline_.post(owner_, timeline_.now(), std::move(task)); }
  TimerId at(Instant when, Task task) override {
    return timeline_.post(owner_, on_grain(SimTime(when.time_since_epoch()), grain_), std::move(task));
  }
  void cancel(TimerId timer) override { timeline_.cancel(timer); }
  [[nodiscard]] Instant now() const override { return Instant(timeline_.now().time_since_epoch()); }
  [[nodiscard]] WallTime wall_now() const override { return {}; }

 private:
  Timeline& timeline_;
  Owner owner_;
  Duration grain_;
};

// One server of a World: what outlives a crash (media, clock), and a process that does not.
class Host final : private Observer {
 public:
  Host(World& world, NodeId id);
  ~Host() override;

  Result<void> start();
  void crash();
  void stop();
  void pause();
  void resume();
  void clock_changed() { executor_.clock_changed(); }

  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] bool up() const { return node_ != nullptr; }
  [[nodiscard]] bool paused() const { return paused_; }
  // Its node is inert after an error: nothing about it is worth checking.
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] Node* node() { return node_.get(); }
  [[nodiscard]] WatchedMachine& machine() { return *machine_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] SimMedia& media() { return media_; }
  [[nodiscard]] NodeOptions& options() { return options_; }
  [[nodiscard]] Owner owner() const { return executor_.owner(); }
  // Whether a run without readers is told of it too.
  [[nodiscard]] static bool is_rare(const Event& event);
  [[nodiscard]] static EventMask rare();
  std::vector<Event> events;

 private:
  [[nodiscard]] EventMask wants() const override;
  void on_event(const Event& event) override;
  void make_log();
  Result<std::unique_ptr<Node>> start_node();
  [[nodiscard]] std::unique_ptr<LogStore> make_store(Disk& disk, Executor& executor);
  void die();

  World& world_;
  NodeId id_;
  NodeOptions options_;
  Random random_;
  Clock clock_;
  SimExecutor executor_;
  HardwareExecutor hardware_;
  SimMedia media_;
  std::shared_ptr<LogImage> image_;
  bool bootstrapped_ = false;  // something was durable in its log once
  bool paused_ = false;
  bool failed_ = false;

  // The process, in the order in which its parts may go.
  std::unique_ptr<SimDisk> disk_;
  std::unique_ptr<WatchedLog> log_;
  std::unique_ptr<WatchedMachine> machine_;
  std::unique_ptr<Transport> transport_;  // if it is not the network itself
  std::unique_ptr<Node> node_;
};

}  // namespace keel::sim
