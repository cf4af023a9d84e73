#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "keel/raft/entry.hpp"
#include "keel/raft/ring.hpp"
#include "keel/raft/write.hpp"

namespace keel {

// What Raft knows of the log: the term of every entry, as runs, from the base to the end; and the newest entries
// themselves, within a bound. Older entries are in the store alone.
class Log {
 public:
  Log() = default;
  explicit Log(const Recovered& recovered);

  [[nodiscard]] LogPosition base() const { return base_; }
  [[nodiscard]] Index first() const { return base_.index.next(); }
  [[nodiscard]] LogPosition last() const { return {last_term_, last_}; }
  // Durable here up to this index.
  [[nodiscard]] Index stable() const { return stable_; }
  // The term of the entry at `index`, or of the base; nothing outside.
  [[nodiscard]] std::optional<Term> term_at(Index index) const;
  [[nodiscard]] bool has(LogPosition position) const { return term_at(position.index) == position.term; }
  // The last entry at or before `from` whose term is not above `term`; the base if there is none.
  [[nodiscard]] LogPosition last_not_above(Index from, Term term) const;
  [[nodiscard]] const std::vector<TermRun>& terms() const { return terms_; }

  void append(Entry&& entry);
  void truncate_from(Index index);
  // What was durable up to `index` is (less what has been truncated since: the caller's sum).
  void set_stable(Index index);

  // In memory: entries from `cache_first` to the end.
  [[nodiscard]] Index cache_first() const { return last_ + 1 - entries_.size(); }
  [[nodiscard]] std::size_t cache_bytes() const { return cache_bytes_; }
  [[nodiscard]] std::span<const Entry> cached(IndexRange range, std::size_t max_bytes, std::size_t max_entries) const;
  // Forgets the oldest entries in memory, none behind `up_to`, until they fit in `limit` bytes.
  void evict(Index up_to, std::size_t limit);

  bool operator==(const Log&) const = default;

  // What an entry counts for in memory and flow control.
  static std::size_t cost(const Entry& entry) { return entry.payload.size() + entry_overhead; }
  static constexpr std::size_t entry_overhead = 64;
  // How many of the first entries cost no more than `max_bytes`; one always does.
  static std::size_t fitting(std::span<const Entry> entries, std::size_t max_bytes);

 private:
  LogPosition base_;
  Index last_;
  Term last_term_;
  Index stable_;
  std::vector<TermRun> terms_;
  Ring<Entry> entries_;
  std::size_t cache_bytes_ = 0;
};

}  // namespace keel
