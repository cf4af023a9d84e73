#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "keel/port/executor.hpp"
#include "keel/port/log_store.hpp"

namespace keel {

// A log as plain values, and what a batch does to it.
class LogImage {
 public:
  void apply(const WriteBatch& batch);

  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] const LogBase& base() const { return base_; }
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }  // those behind the base
  [[nodiscard]] Index first() const { return base_.position.index.next(); }
  [[nodiscard]] Index last() const { return base_.position.index + entries_.size(); }
  [[nodiscard]] LogPosition last_position() const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // the entries' frames
  [[nodiscard]] Recovered recovered() const;
  // As LogStore::read, whose errors these are.
  [[nodiscard]] Result<std::vector<Entry>> read(IndexRange range, std::size_t max_bytes) const;

 private:
  void append(const Entry& entry);
  void truncate_from(Index index);
  void compact_to(Index index);

  HardState hard_state_;
  LogBase base_;
  std::deque<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

// A log store that keeps everything in memory. What is durable lies in an image of its own, which outlives the store:
// a new store on the same image is the same server after a restart, or, when writes were still waiting, after a crash.
class MemoryLogStore final : public LogStore {
 public:
  explicit MemoryLogStore(Executor& executor, std::shared_ptr<LogImage> durable = std::make_shared<LogImage>());
  ~MemoryLogStore() override;

  Result<Recovered> open() override;
  void write(WriteBatch batch, Completion<void> done) override;
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override;
  [[nodiscard]] LogStats stats() const override;
  void close() override;

  // For tests. How long a write takes from now on; 0 at first.
  void set_latency(Duration latency) { latency_ = latency; }
  // Writes wait, not durable, until they are let go: `release` ends the oldest, `unhold` all and those to come.
  void hold() { held_ = true; }
  void release();
  void unhold();
  // The next write to end, and all after it, ends with this error.
  void fail_with(Error error) { failure_ = std::make_unique<Error>(std::move(error)); }

 private:
  struct Waiting {
    WriteBatch batch;
    Completion<void> done;
    Instant due;
  };
  void wake_at(Instant when);
  bool end_one_due();
  void end_oldest();

  Executor& executor_;
  std::shared_ptr<LogImage> durable_;
  LogImage written_;  // durable or not: what reads see
  std::deque<Waiting> waiting_;
  Duration latency_{};
  bool held_ = false;
  std::unique_ptr<Error> failure_;
  std::uint64_t syncs_ = 0;
  std::uint64_t bytes_written_ = 0;
  std::shared_ptr<MemoryLogStore*> self_;  // empty once closed: what was posted then does nothing
};

}  // namespace keel
