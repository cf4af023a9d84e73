#include "keel/storage/memory_log_store.hpp"

#include <limits>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/wire/frame.hpp"
#include "storage/log_base.hpp"

namespace keel {

void LogImage::apply(const WriteBatch& batch) {
  if (batch.hard_state) hard_state_ = *batch.hard_state;
  if (batch.reset_to) {
    entries_.clear();
    bytes_ = 0;
    base_ = *batch.reset_to;
  }
  if (batch.truncate_from) truncate_from(*batch.truncate_from);
  for (const Entry& entry : batch.entries) {
    append(entry);
  }
  if (batch.compact_to) compact_to(*batch.compact_to);
}

LogPosition LogImage::last_position() const {
  return entries_.empty() ? base_.position : LogPosition{entries_.back().term, entries_.back().index};
}

Recovered LogImage::recovered() const {
  Recovered found;
  found.hard_state = hard_state_;
  found.base = base_;
  found.last = last();
  found.acknowledged = last_position();
  for (const Entry& entry : entries_) {
    add_term(found.terms, entry.index, entry.term);
    if (is_configuration(entry.kind)) found.configurations.push_back(entry);
  }
  return found;
}

Result<std::vector<Entry>> LogImage::read(IndexRange range, std::size_t max_bytes) const {
  if (range.first < first()) {
    return fail(ErrorCode::compacted,
                fmt::format("entry {} is gone: the log begins at {}", range.first.value(), first().value()));
  }
  if (range.first > last()) {
    return fail(ErrorCode::not_found,
                fmt::format("entry {} is behind the log's end at {}", range.first.value(), last().value()));
  }
  std::vector<Entry> found;
  std::size_t bytes = 0;
  for (Index at = range.first; at <= std::min(range.last, last()); ++at) {
    const Entry& entry = entries_[at - first()];
    bytes += entry.payload.size();
    if (bytes > max_bytes && !found.empty()) break;
    found.push_back(entry);
  }
  return found;
}

void LogImage::append(const Entry& entry) {
  KEEL_ASSERT(entry.index == last().next(), "entries are appended right behind the end");
  bytes_ += wire::frame_size(entry);
  entries_.push_back(entry);
}

void LogImage::truncate_from(Index index) {
  KEEL_ASSERT(index >= first(), "what a snapshot covers is not truncated");
  while (last() >= index) {
    bytes_ -= wire::frame_size(entries_.back());
    entries_.pop_back();
  }
}

void LogImage::compact_to(Index index) {
  KEEL_ASSERT(index <= last(), "only entries that are there are compacted");
  while (first() <= index) {
    const Entry& entry = entries_.front();
    if (is_configuration(entry.kind)) {
      KEEL_ASSERT(take_configuration(base_, entry), "a configuration entry carries a configuration");
    }
    bytes_ -= wire::frame_size(entry);
    base_.position = {entry.term, entry.index};
    entries_.pop_front();
  }
}

MemoryLogStore::MemoryLogStore(Executor& executor, std::shared_ptr<LogImage> durable)
    : executor_(executor),
      durable_(std::move(durable)),
      written_(*durable_),
      self_(std::make_shared<MemoryLogStore*>(this)) {}

MemoryLogStore::~MemoryLogStore() { close(); }

Result<Recovered> MemoryLogStore::open() { return durable_->recovered(); }

void MemoryLogStore::write(WriteBatch batch, Completion<void> done) {
  KEEL_ASSERT(self_ != nullptr, "a closed store is not used");
  written_.apply(batch);
  const Instant due = executor_.now() + latency_;
  waiting_.push_back({std::move(batch), std::move(done), due});
  if (!held_) wake_at(due);
}

void MemoryLogStore::read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) {
  executor_.post(
      [done = std::move(done), found = written_.read(range, max_bytes), self = std::weak_ptr(self_)]() mutable {
        if (!self.expired()) done(std::move(found));
      });
}

LogStats MemoryLogStore::stats() const {
  return {.first = written_.first(),
          .last = written_.last(),
          .bytes = written_.bytes(),
          .room = std::numeric_limits<std::uint64_t>::max(),
          .syncs = syncs_,
          .bytes_written = bytes_written_};
}

void MemoryLogStore::close() {
  self_.reset();
  waiting_.clear();
}

void MemoryLogStore::release() {
  if (!waiting_.empty()) end_oldest();
}

void MemoryLogStore::unhold() {
  held_ = false;
  for (Waiting& each : waiting_) {
    wake_at(std::max(each.due, executor_.now()));
  }
}

void MemoryLogStore::wake_at(Instant when) {
  auto wake = [self = std::weak_ptr(self_)] {
    for (bool more = true; more && !self.expired();) {
      more = (*self.lock())->end_one_due();
    }
  };
  if (when <= executor_.now()) {
    executor_.post(std::move(wake));
  } else {
    executor_.at(when, std::move(wake));
  }
}

bool MemoryLogStore::end_one_due() {
  if (held_ || waiting_.empty() || waiting_.front().due > executor_.now()) return false;
  end_oldest();
  return true;
}

// The completion comes last: it may close or destroy the store.
void MemoryLogStore::end_oldest() {
  Waiting ended = std::move(waiting_.front());
  waiting_.pop_front();
  if (failure_ != nullptr) return ended.done(std::unexpected(*failure_));
  durable_->apply(ended.batch);
  ++syncs_;
  for (const Entry& entry : ended.batch.entries) {
    bytes_written_ += wire::frame_size(entry);
  }
  ended.done({});
}

}  // namespace keel
