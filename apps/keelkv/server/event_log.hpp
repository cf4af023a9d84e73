#pragma once

#include <array>
#include <functional>
#include <memory>

#include <spdlog/logger.h>

#include "keel/port/observer.hpp"
#include "keelkv/config/log_levels.hpp"

namespace keel {

// One logger a subject, all to standard error, a line an entry.
class Logs {
 public:
  Logs(NodeId node, const LogLevels& levels);
  void set_levels(const LogLevels& levels);
  [[nodiscard]] spdlog::logger& of(LogSubject subject) { return *loggers_[static_cast<std::size_t>(subject)]; }

 private:
  std::array<std::shared_ptr<spdlog::logger>, log_subjects> loggers_;
};

// Turns what a node does into log lines. What a level leaves out is never built.
class EventLog final : public Observer {
 public:
  // `ended` is told when the node takes part no more, for good.
  EventLog(Logs& logs, std::function<void(const Error&)> ended) : logs_(logs), ended_(std::move(ended)) {}

  [[nodiscard]] EventMask wants() const override;
  void on_event(const Event& event) override;

 private:
  void write(const RaftEvent& event);
  void write(const NodeStarted& started);
  void write(const NodeFailed& failed);
  void write(const MachineFailed& failed);
  void write(const StorageFull& storage);
  void write(const EntrySkipped& skipped);
  void write(const NodeStopped& stopped);

  Logs& logs_;
  std::function<void(const Error&)> ended_;
};

}  // namespace keel
