#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bounds.hpp"
#include "digest.hpp"
#include "keel/raft/invariants.hpp"
#include "keel/raft/raft.hpp"

namespace keel::check {

// What a node finds after a power cut.
struct Disk {
  HardState hard_state;
  std::vector<Entry> entries;  // from index 1 on
  LogPosition acknowledged{};  // beyond the last entry once some were lost

  void write(const WriteBatch& batch) { write_torn(batch, batch.entries.size() + 2); }
  // Only the first `parts` of hard state, truncation and each entry.
  void write_torn(const WriteBatch& batch, std::size_t parts);
  void lose_last();
  [[nodiscard]] Recovered recover() const;
};

// What can be done to a node.
enum class Kind : std::uint8_t {
  deliver,
  deliver_late,  // a request for a vote that comes when its leader has been silent for long
  lose,          // a message; touches no node
  persist,       // its oldest write becomes durable
  election,      // these timers run out
  heartbeat,
  check_quorum,
  stall,
  transfer_ends,
  step_down,
  unreachable,  // of peer `operand`
  read,         // number `operand`
  propose,      // command number `operand`
  transfer,     // leadership to node `operand`
  crash,        // and restart; `operand` is a Cut
  late_notice,  // of the write before the last that is durable
  lost_tail,    // a crash, and the last entry that was durable is lost
};

struct Input {
  Kind kind = Kind::deliver;
  unsigned operand = 0;
  const Message* message = nullptr;  // of a delivery
};

// Where a power cut divides the writes under way: so many are whole on the disk, and so many parts of the next.
struct Cut {
  unsigned writes = 0;
  unsigned parts = 0;
  [[nodiscard]] unsigned packed() const { return writes << 8 | parts; }
  static Cut of(unsigned packed) { return {packed >> 8, packed & 0xff}; }
};

// One node: a production Raft, the disk under it, and what is on the way to that disk.
struct Replica {
  Raft raft;
  Instant now{};
  Disk disk;
  std::vector<Write> writes{};      // issued, not yet durable
  std::vector<HeldMessage> held{};  // waiting for one of them
  WriteId noticed{};                // the last of this life that was told to be durable
  bool repeats = false;             // the notice before that one may come again; stays false without late notices
  std::vector<ReadId> asked{};      // reads that have no answer yet, ascending
  std::uint64_t question = 0;       // the number of the last question for reads in this life; 0: none was asked
  unsigned life = 0;                // restarts; stays 0 without reads, when no life differs from another

  [[nodiscard]] Disk issued() const;
  // Everything that a later step can depend on, but for time (docs/checking.md).
  [[nodiscard]] std::uint64_t identity() const;
  // The leader that keeps it from voting for another; nobody if none does.
  [[nodiscard]] NodeId heard_leader() const;
  [[nodiscard]] std::vector<Cut> cuts() const;
};

// What came of a step.
struct Turn {
  std::vector<Message> left;          // went out to the network
  unsigned fetches = 0;               // reads from its own disk, answered within the step
  std::vector<ReadReady> reads;       // answered, or lost in a crash
  std::optional<std::string> broken;  // the rule that does not hold, as a sentence
};

// Does what a Node does for its Raft, at once: outputs are taken after each input, entries are applied and fetched in
// the same step. Judges each step by the rules for one node.
class Driver {
 public:
  explicit Driver(const Bounds& bounds);
  [[nodiscard]] const Genesis& genesis() const { return genesis_; }
  // A node that has its genesis, durable, and nothing else.
  [[nodiscard]] Replica start(NodeId id);
  [[nodiscard]] Turn act(Replica& replica, const Input& input);

 private:
  void apply(Replica& replica, const Input& input, Turn& turn);
  void receive(Replica& replica, const Input& input) const;
  void persist(Replica& replica, Turn& turn) const;
  void crash(Replica& replica, Cut cut) const;
  void restart(Replica& replica) const;
  void pump(Replica& replica, Turn& turn);
  void leave(Replica& replica, Message&& message, Turn& turn) const;
  [[nodiscard]] std::optional<std::string> judge_step(const Raft& before, const Input& input,
                                                      const Replica& after) const;
  void answer(Replica& replica, const ReadReady& read, Turn& turn) const;
  [[nodiscard]] Raft make(NodeId id, const Disk& disk, Instant now, unsigned life = 0) const;

  Bounds bounds_;
  Genesis genesis_;
  Output out_;
  std::vector<Message> said_;  // within the step, held or not
};

}  // namespace keel::check
