#pragma once

#include <optional>

#include "keel/base/time.hpp"
#include "keel/raft/output.hpp"
#include "keel/raft/ring.hpp"

namespace keel {

// The writes of one Raft: the one being gathered, and those that are on their way to the disk.
class WriteQueue {
 public:
  void save(HardState state);
  void append(const Entry& entry);
  // What the store has not been told of yet is simply forgotten; the rest is truncated with the gathered write.
  void truncate_from(Index index);
  void start_at(Index last) { gathered_last_ = issued_last_ = last; }

  // The write that makes durable all that was asked for so far; 0 if everything is durable.
  [[nodiscard]] WriteId gate();
  // The same for the hard state alone.
  [[nodiscard]] WriteId hard_state_gate() const { return hard_state_write_ > written_ ? hard_state_write_ : WriteId(); }

  [[nodiscard]] std::optional<Write> issue(Instant now);
  // Memory of a write that is done with, for the next one.
  void reuse(std::vector<Entry> memory);
  // Returns up to where the log is durable now: the smaller of the write's last index and the lowest truncation still
  // on its way less one, so that a late notice never vouches for entries overwritten since (H42).
  Index written(WriteId id);

  [[nodiscard]] bool has_gathered() const { return wanted_ || !gathered_.empty(); }
  [[nodiscard]] WriteId last_issued() const { return next_.previous(); }
  // When the oldest write still on its way was issued.
  [[nodiscard]] std::optional<Instant> oldest_issued() const;

  bool operator==(const WriteQueue& other) const;

  struct Issued {
    WriteId id;
    Index last;
    std::optional<Index> truncate_from;
    Instant at;
    bool operator==(const Issued&) const = default;
  };
  [[nodiscard]] const Ring<Issued>& on_their_way() const { return issued_; }

 private:
  WriteBatch gathered_;
  bool wanted_ = false;  // somebody waits for the gathered write, even should it turn out empty
  WriteId next_ = WriteId(1);
  WriteId written_;
  WriteId hard_state_write_;
  Index gathered_last_;  // the log's end once everything gathered is written
  Index issued_last_;    // the log's end once everything issued is written
  Ring<Issued> issued_;
  std::size_t last_batch_ = 0;  // entries in the last write: the next will have about as many
};

}  // namespace keel
