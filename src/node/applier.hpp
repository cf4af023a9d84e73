#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "keel/port/log_store.hpp"
#include "keel/port/state_machine.hpp"
#include "keel/raft/raft.hpp"

namespace keel {

// What the applier tells the rest of the node.
class ApplySink {
 public:
  virtual ~ApplySink() = default;
  virtual Context context_of(const Entry& entry, const Envelope& envelope) = 0;
  // Each entry once, in order; `reply` is null for those the state machine does not see, and null `envelope` with it.
  virtual void applied(const Entry& entry, const Envelope* envelope, Reply* reply) = 0;
  virtual void skipped(const Entry& entry) = 0;  // a kind that nobody knows
  virtual void machine_failed(Index first, Error error) = 0;
  virtual void log_unreadable(Error error) = 0;
  virtual void wake() = 0;  // there is something to do: run the pump soon
};

// Feeds committed entries to the state machine: in order, in bounded batches, one at a time, from memory or from the
// store. Whether the machine answers at once or much later, nothing else waits for it (H54).
class Applier {
 public:
  struct Limits {
    std::size_t bytes;
    std::size_t entries;
  };
  // `applied` is up to where the machine is already: those entries are passed over.
  Applier(LogStore& log, StateMachine& machine, Limits limits, Index base, Index applied, ApplySink& sink);

  // These are committed and durable here; ranges follow one another.
  void extend(IndexRange range);
  // Does what can be done now, within the limits, once a turn. `alive` guards answers that come later.
  void run(const Raft& raft, const std::weak_ptr<const void>& alive);
  void turn_over() { left_ = limits_; }
  // Whether a next turn could do more at once.
  [[nodiscard]] bool has_more() const { return !stopped_ && !busy_ && position_ < target_; }

  // Up to where the log has gone through, and what the machine holds: behind at first, if it had more than the log told.
  [[nodiscard]] Index position() const { return position_; }
  [[nodiscard]] Index applied() const { return std::max(position_, machine_at_); }
  void stop() { stopped_ = true; }

 private:
  void pass_over();
  void read_log(const Raft& raft, const std::weak_ptr<const void>& alive);
  void start(std::vector<Entry> entries, const std::weak_ptr<const void>& alive);
  void finish(Result<Replies> replies);
  void broken(Error error);
  [[nodiscard]] Index batch_end() const { return batch_.back().index; }

  LogStore& log_;
  StateMachine& machine_;
  Limits limits_;
  Limits left_;  // of this turn
  ApplySink& sink_;
  Index position_;
  Index target_;
  Index machine_at_;      // at the start
  bool busy_ = false;     // a batch or a read is outstanding
  bool running_ = false;  // in `run`: an answer that comes at once is no news
  bool stopped_ = false;
  std::uint64_t call_ = 0;         // numbers calls that are answered later: a second answer is ignored
  std::vector<Entry> read_;        // came from the store, comes next
  std::vector<Entry> batch_;       // with the machine; keeps the bytes alive
  std::vector<Command> commands_;  // those of the batch that it sees
};

}  // namespace keel
