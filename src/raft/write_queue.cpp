#include "keel/raft/write_queue.hpp"

#include <algorithm>

#include "keel/base/assert.hpp"

namespace keel {

void WriteQueue::save(HardState state) {
  gathered_.hard_state = state;
  hard_state_write_ = next_;
}

void WriteQueue::append(const Entry& entry) {
  KEEL_ASSERT(entry.index == gathered_last_.next(), "writes append right behind the end");
  gathered_last_ = entry.index;
  if (gathered_.entries.capacity() == 0) gathered_.entries.reserve(last_batch_);
  gathered_.entries.push_back(entry);
}

void WriteQueue::truncate_from(Index index) {
  KEEL_ASSERT(index <= gathered_last_, "only what was appended is truncated");
  while (!gathered_.entries.empty() && gathered_.entries.back().index >= index)
    gathered_.entries.pop_back();
  if (index <= issued_last_) {
    gathered_.truncate_from = std::min(gathered_.truncate_from.value_or(index), index);
  }
  gathered_last_ = index.previous();
}

WriteId WriteQueue::gate() {
  if (has_gathered()) {
    wanted_ = true;
    return next_;
  }
  return last_issued() > written_ ? last_issued() : WriteId();
}

std::optional<Write> WriteQueue::issue(Instant now) {
  std::optional<Write> write;
  if (!has_gathered()) return write;
  write.emplace(next_, std::move(gathered_));
  gathered_.clear();
  last_batch_ = write->batch.entries.size();
  wanted_ = false;
  issued_last_ = gathered_last_;
  issued_.push_back({next_, issued_last_, write->batch.truncate_from, now});
  ++next_;
  return write;
}

void WriteQueue::reuse(std::vector<Entry> memory) {
  if (!gathered_.entries.empty() || memory.capacity() <= gathered_.entries.capacity()) return;
  memory.clear();
  gathered_.entries = std::move(memory);
}

Index WriteQueue::written(WriteId id) {
  KEEL_ASSERT(id <= last_issued(), "only what was issued can be durable");
  Index durable;
  while (!issued_.empty() && issued_.front().id <= id) {
    durable = issued_.front().last;
    issued_.pop_front();
  }
  written_ = std::max(written_, id);
  for (std::size_t i = 0; i < issued_.size(); ++i) {
    if (issued_[i].truncate_from) durable = std::min(durable, issued_[i].truncate_from->previous());
  }
  if (gathered_.truncate_from) durable = std::min(durable, gathered_.truncate_from->previous());
  return durable;
}

std::optional<Instant> WriteQueue::oldest_issued() const {
  if (issued_.empty()) return std::nullopt;
  return issued_.front().at;
}

bool WriteQueue::operator==(const WriteQueue& other) const {
  return next_ == other.next_ && written_ == other.written_ && hard_state_write_ == other.hard_state_write_ &&
         gathered_last_ == other.gathered_last_ && issued_last_ == other.issued_last_ && issued_ == other.issued_;
}

}  // namespace keel
