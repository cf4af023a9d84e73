#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "keel/port/log_store.hpp"
#include "keel/port/state_machine.hpp"

namespace keel::sim {

// A log store under which somebody keeps books: of each batch when it is handed over, and when it is durable.
class WatchedLog final : public LogStore {
 public:
  struct Watcher {
    std::function<void(const Recovered&)> opened;
    std::function<void(const WriteBatch&)> writes;
    std::function<void()> wrote;
  };
  WatchedLog(std::unique_ptr<LogStore> inner, Watcher watcher);
  ~WatchedLog() override;

  Result<Recovered> open() override;
  void write(WriteBatch batch, Completion<void> done) override;
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override;
  [[nodiscard]] LogStats stats() const override { return inner_->stats(); }
  void close() override { inner_->close(); }

 private:
  std::unique_ptr<LogStore> inner_;
  Watcher watcher_;
};

// Every command that goes through a World carries a number before its bytes, by which its fate can be told. The machine
// beneath does not see it.
inline constexpr std::size_t command_mark_size = 16;
[[nodiscard]] std::vector<std::byte> mark(std::uint64_t number, ByteView command);
// 0: not marked.
[[nodiscard]] std::uint64_t mark_of(ByteView command);

// A state machine under which somebody keeps books of what it was given and what it answered.
class WatchedMachine final : public StateMachine {
 public:
  using Watcher = std::function<void(const Command&, std::string_view reply)>;
  WatchedMachine(std::unique_ptr<StateMachine> inner, Watcher watcher);
  ~WatchedMachine() override;

  [[nodiscard]] StateMachine& inner() { return *inner_; }
  // The last command that is in the machine: the same on nodes whose machines are alike, whatever lies behind it.
  [[nodiscard]] Index reached() const { return reached_; }

  Index applied() override { return reached_ = inner_->applied(); }
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override;
  Result<std::unique_ptr<SnapshotSource>> snapshot() override { return inner_->snapshot(); }
  void restore(std::unique_ptr<SnapshotSource> source, Index index, Completion<void> done) override;
  void truncated(IndexRange range) override { inner_->truncated(range); }

 private:
  std::unique_ptr<StateMachine> inner_;
  Watcher watcher_;
  std::vector<Command> bare_;
  Index reached_;
};

}  // namespace keel::sim
