#include "keel/raft/log.hpp"

#include <algorithm>

#include "keel/base/assert.hpp"

namespace keel {

Log::Log(const Recovered& recovered)
    : base_(recovered.base.position),
      last_(recovered.last),
      last_term_(recovered.terms.empty() ? recovered.base.position.term : recovered.terms.back().term),
      stable_(recovered.last),
      terms_(recovered.terms) {}

std::optional<Term> Log::term_at(Index index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > last_) return std::nullopt;
  if (index >= terms_.back().first) return last_term_;
  const auto after = std::ranges::upper_bound(terms_, index, {}, &TermRun::first);
  return std::prev(after)->term;
}

LogPosition Log::last_not_above(Index from, Term term) const {
  Index end = std::min(from, last_);
  for (auto run = terms_.rbegin(); run != terms_.rend(); ++run) {
    if (run->first > end) continue;
    if (run->term <= term) return {run->term, end};
    end = run->first.previous();
  }
  return base_;
}

void Log::append(Entry&& entry) {
  KEEL_ASSERT(entry.index == last_.next(), "entries are appended right behind the end");
  KEEL_ASSERT(entry.term >= last_term_, "terms in a log never go back");
  if (terms_.empty() || terms_.back().term != entry.term) terms_.push_back({entry.index, entry.term});
  last_ = entry.index;
  last_term_ = entry.term;
  cache_bytes_ += cost(entry);
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  KEEL_ASSERT(index > base_.index && index <= last_, "only entries that are there are truncated");
  while (!entries_.empty() && last_ >= index) {
    cache_bytes_ -= cost(entries_.back());
    entries_.pop_back();
    last_ = last_.previous();
  }
  last_ = index.previous();
  while (!terms_.empty() && terms_.back().first >= index)
    terms_.pop_back();
  last_term_ = terms_.empty() ? base_.term : terms_.back().term;
  stable_ = std::min(stable_, last_);
}

void Log::set_stable(Index index) { stable_ = std::max(stable_, std::min(index, last_)); }

std::span<const Entry> Log::cached(IndexRange range, std::size_t max_bytes, std::size_t max_entries) const {
  const Index last = std::min(range.last, last_);
  if (range.first < cache_first() || range.first > last) return {};
  const auto run = entries_.run(range.first - cache_first(), std::min(last - range.first + 1, max_entries));
  return run.first(fitting(run, max_bytes));
}

std::size_t Log::fitting(std::span<const Entry> entries, std::size_t max_bytes) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < entries.size(); ++count) {
    bytes += cost(entries[count]);
    if (bytes > max_bytes && count > 0) break;
  }
  return count;
}

void Log::evict(Index up_to, std::size_t limit) {
  while (cache_bytes_ > limit && !entries_.empty() && entries_.front().index <= up_to) {
    cache_bytes_ -= cost(entries_.front());
    entries_.pop_front();
    // The next will go in a turn to come; it was last seen long ago.
    if (!entries_.empty()) entries_.front().payload.prefetch();
  }
}

}  // namespace keel
