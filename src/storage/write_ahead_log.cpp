#include "keel/storage/write_ahead_log.hpp"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "storage/log_base.hpp"
#include "storage/wal_log.hpp"

namespace keel {
namespace {

constexpr std::uint64_t min_segment_bytes = 4u << 10;
constexpr std::uint64_t max_segment_bytes = 1u << 30;
constexpr std::uint64_t page = 4096;
constexpr std::size_t max_group_bytes = 1u << 20;
constexpr std::size_t gathered_from = 4096;  // frames so large are written from where they lie, smaller ones copied

std::uint64_t rounded_up(std::uint64_t size) { return (size + page - 1) / page * page; }

}  // namespace

// A callback that does nothing once the log is closed or gone.
template <class F>
auto WriteAheadLog::Log::guarded(F f) {
  return [self = weak_from_this(), f = std::move(f)](auto&&... result) mutable {
    const auto log = self.lock();
    if (log != nullptr && !log->closed_) f(*log, std::forward<decltype(result)>(result)...);
  };
}

void WriteAheadLog::Log::post(std::move_only_function<void()> task) {
  executor_.post(guarded([task = std::move(task)](Log&) mutable { task(); }));
}

Result<void> WriteAheadLog::Log::check_options() const {
  const auto bad = [](std::string_view name, std::uint64_t value, const std::string& allowed) {
    return keel::fail(ErrorCode::invalid, fmt::format("{} is {}; allowed is {}", name, value, allowed));
  };
  if (options_.segment_bytes < min_segment_bytes || options_.segment_bytes > max_segment_bytes ||
      options_.segment_bytes % page != 0) {
    return bad("segment_bytes", options_.segment_bytes, "4096 to 1073741824, a multiple of 4096");
  }
  if (options_.max_log_bytes / 3 < options_.segment_bytes) {
    return bad("max_log_bytes", options_.max_log_bytes,
               fmt::format("{}, three segments, and above", 3 * options_.segment_bytes));
  }
  return {};
}

Result<Recovered> WriteAheadLog::Log::open() {
  if (auto good = check_options(); !good) return std::unexpected(std::move(good.error()));
  if (auto locked = disk_.lock(); !locked) return std::unexpected(std::move(locked.error()));
  auto found = recover_log(disk_, identity_);
  if (!found) return std::unexpected(std::move(found.error()));

  state_ = std::move(found->state);
  segments_ = std::move(found->segments);
  vote_file_ = std::move(found->vote_file);
  vote_ = found->vote;
  vote_slot_ = found->vote_slot;
  first_ = state_.base().position.index.next();
  last_ = state_.last();
  if (!segments_.empty()) {
    last_sequence_ = segments_.back().sequence();
    first_needed_ = segments_.front().sequence();
  }
  std::uint64_t live = 0;
  for (const Segment& segment : segments_) {
    live += segment.header.size;
  }
  // All but the last are full, also one whose footer is damaged.
  sealed_bytes_ = segments_.empty() || segments_.back().sealed ? live : live - segments_.back().header.size;
  pool_ = std::make_shared<SegmentPool>(disk_, executor_, options_, identity_,
                                        guarded([](Log& log, const Result<void>& made) {
                                          if (!made) return log.fail(made.error());
                                          log.pump();
                                        }));
  pool_->adopt(std::move(found->next), std::move(found->spares), std::move(found->debris), live);
  pool_->prepare(next_sequence(), options_.segment_bytes, false);
  return std::move(found->report);
}

void WriteAheadLog::Log::close() {
  closed_ = true;
  if (pool_ != nullptr) pool_->close();
}

void WriteAheadLog::Log::write(WriteBatch batch, Completion<void> done) {
  KEEL_ASSERT(pool_ != nullptr && !closed_, "a log is written to while it is open");
  if (failure_) {
    return post([done = std::move(done), error = *failure_]() mutable { done(std::unexpected(std::move(error))); });
  }
  WriteGroup& group = group_for(batch);
  note(batch, group.number);
  const std::size_t before = group.bytes;
  group.add(std::move(batch), std::move(done));
  queued_bytes_ += group.bytes - before;
  pump();
}

WriteGroup& WriteAheadLog::Log::group_for(const WriteBatch& batch) {
  std::size_t bytes = 0;
  for (const Entry& entry : batch.entries) {
    bytes += entry.payload.frame().size();
  }
  // Not more than fits into a segment with something to spare, if it is more than one batch.
  const std::size_t bound = std::min<std::size_t>(max_group_bytes, SegmentPool::usable(options_.segment_bytes) / 2);
  if (queue_.empty() || queue_.back().bytes + bytes > bound) queue_.emplace_back(next_group_++);
  return queue_.back();
}

// What reads see from now on.
void WriteAheadLog::Log::note(const WriteBatch& batch, std::uint64_t group) {
  if (batch.reset_to) {
    tail_.clear();
    last_ = batch.reset_to->position.index;
    first_ = last_.next();
    ++rewrites_;
  }
  if (batch.truncate_from && *batch.truncate_from <= last_) {
    KEEL_ASSERT(*batch.truncate_from >= first_, "what a snapshot covers is not truncated");
    while (!tail_.empty() && tail_.back().entry.index >= *batch.truncate_from) {
      tail_.pop_back();
    }
    last_ = batch.truncate_from->previous();
    ++rewrites_;
  }
  for (const Entry& entry : batch.entries) {
    KEEL_ASSERT(entry.index == last_.next(), "entries are appended right behind the end");
    tail_.push_back({entry, group});
    ++last_;
  }
  if (batch.compact_to) {
    KEEL_ASSERT(*batch.compact_to <= last_, "only entries that are there are compacted");
    first_ = std::max(first_, batch.compact_to->next());
  }
}

// Begins what is to be written next, if nothing is being written.
void WriteAheadLog::Log::pump() {
  if (busy_ || failure_ || queue_.empty()) return;
  const WriteGroup& group = queue_.front();
  const Segment* const segment = active();
  if (segment == nullptr || segment->sealed || segment->remains) return rotate(group);
  plan(group, segment);
  if (!segment->has_room_for(head_)) return rotate(group);
  write_record();
}

// Sets head_ to what the group's record says, in this segment or, if null, in a new one.
void WriteAheadLog::Log::plan(const WriteGroup& group, const Segment* segment) {
  const WriteBatch& batch = group.batch;
  const bool is_first = segment == nullptr || segment->records_end == segment_prefix;
  head_.clear();
  head_.hard_state = batch.hard_state;
  if (is_first && !head_.hard_state) head_.hard_state = state_.hard_state();  // older segments may be dropped
  head_.truncate_from = batch.truncate_from;
  const std::uint64_t sequence = segment == nullptr ? next_sequence() : segment->sequence();
  Index end = state_.last();
  if (batch.reset_to) {
    end = batch.reset_to->position.index;
    head_.base = StoredBase{*batch.reset_to, sequence};
    head_.resets = true;
  }
  if (batch.truncate_from) end = std::min(end, batch.truncate_from->previous());
  head_.first = end.next();
  plan_entries(batch.entries);
  const Index base = head_.resets ? batch.reset_to->position.index : state_.base().position.index;
  if (batch.compact_to && *batch.compact_to > base) head_.base = base_at(*batch.compact_to, group, sequence);
  measure(head_);
}

void WriteAheadLog::Log::plan_entries(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    add_term(head_.terms, entry.index, entry.term);
    head_.frames.push_back({static_cast<std::uint32_t>(entry.payload.frame().size()), is_configuration(entry.kind)});
  }
}

// What is known at `index` once the group is written, and the first segment needed for what lies behind it.
StoredBase WriteAheadLog::Log::base_at(Index index, const WriteGroup& group, std::uint64_t segment) const {
  const WriteBatch& batch = group.batch;
  StoredBase stored{batch.reset_to ? *batch.reset_to : state_.base(), segment};
  const auto take = [&](const Entry& entry) {
    if (entry.index > index || !is_configuration(entry.kind)) return;
    KEEL_ASSERT(take_configuration(stored.base, entry), "a configuration entry carries a configuration");
  };
  if (!batch.reset_to) {
    for (const KnownConfiguration& each : state_.configurations()) {
      if (each.index < head_.first) take(each.entry);
    }
    if (index.next() < head_.first) stored.first_segment = state_.point_before(index.next()).segment;
  }
  for (const Entry& entry : batch.entries) {
    take(entry);
  }
  const bool is_new = index >= head_.first;
  const Term term = is_new ? batch.entries[index - head_.first].term : state_.term_at(index);
  stored.base.position = {term, index};
  return stored;
}

// The next segment, once it is ready and the present one has its footer.
void WriteAheadLog::Log::rotate(const WriteGroup& group) {
  plan(group, nullptr);
  const Segment fresh;
  const std::uint64_t needed = segment_prefix + head_.size() + fresh.footer_bytes_with(head_);
  const std::uint64_t size = std::max(options_.segment_bytes, rounded_up(needed));
  if (!pool_->has_ready(size)) return pool_->prepare(next_sequence(), size, true);
  if (active() != nullptr && !active()->sealed) return seal();
  segments_.push_back(pool_->take());
  Segment& begun = segments_.back();
  last_sequence_ = begun.sequence();
  if (segments_.size() > 1) begun.chain_before = begun.chain_after = segments_[segments_.size() - 2].chain_after;
  pool_->prepare(next_sequence(), options_.segment_bytes, false);
  pump();
}

void WriteAheadLog::Log::seal() {
  const Payload footer = Payload::copy_of(encode(state_.footer_of(*active())));
  const std::uint64_t offset = active()->header.size - footer.size();
  KEEL_ASSERT(offset >= active()->records_end, "there is always room for the footer");
  busy_ = true;
  disk_.write_sync(*active()->file, offset, {{footer.bytes(), footer}}, guarded([](Log& log, Result<void> written) {
    log.busy_ = false;
    if (!written) return log.fail(written.error());
    ++log.syncs_;
    log.active()->sealed = true;
    log.sealed_bytes_ += log.active()->header.size;
    log.pump();
  }));
}

// Writes the record that `plan` has made.
void WriteAheadLog::Log::write_record() {
  busy_ = true;
  in_flight_.emplace(std::move(queue_.front()));
  queue_.pop_front();
  Segment& segment = *active();
  const std::uint64_t offset = segment.records_end;
  head_.salt = segment.header.salt;
  head_.chain = segment.chain_after;
  head_.synced = static_cast<std::uint32_t>(offset);
  head_bytes_.clear();
  encode(head_, head_bytes_);
  std::vector<DiskBuffer> buffers = buffers_of(in_flight_->batch.entries);

  KEEL_ASSERT(state_.apply(head_, segment, offset), "a record continues the log");
  for (const Entry& entry : in_flight_->batch.entries) {
    if (is_configuration(entry.kind)) state_.keep_configuration(entry);
  }
  if (head_.base) first_needed_ = head_.base->first_segment;
  segment.chain_after = head_.checksum;
  segment.records_end += head_.size();
  bytes_written_ += head_.size();
  queued_bytes_ -= in_flight_->bytes;
  disk_.write_sync(*segment.file, offset, std::move(buffers),
                   guarded([](Log& log, Result<void> written) { log.on_written(std::move(written)); }));
}

// The head, the frames behind it, and what fills up to a multiple of 8. Small frames share one block with the head.
std::vector<DiskBuffer> WriteAheadLog::Log::buffers_of(const std::vector<Entry>& entries) {
  const auto is_small = [](const Entry& entry) { return entry.payload.frame().size() < gathered_from; };
  const std::size_t padding = head_.size() - head_.head_size - head_.frames_size;
  std::size_t size = head_bytes_.size() + padding;
  for (const Entry& entry : entries) {
    if (is_small(entry)) size += entry.payload.frame().size();
  }
  Payload slab = Payload::with_size(size);
  std::vector<DiskBuffer> buffers;
  std::byte* const begin = slab.mutable_bytes().data();
  std::byte* from = begin;
  std::byte* at = std::ranges::copy(head_bytes_, begin).out;
  const auto end_piece = [&] {
    if (at != from) buffers.push_back({{from, at}, slab});
    from = at;
  };
  for (const Entry& entry : entries) {
    if (is_small(entry)) {
      at = std::ranges::copy(entry.payload.frame(), at).out;
    } else {
      end_piece();
      buffers.push_back({entry.payload.frame(), entry.payload});
    }
  }
  at = std::fill_n(at, padding, std::byte{});
  end_piece();
  return buffers;
}

void WriteAheadLog::Log::on_written(Result<void> result) {
  if (failure_) return;  // of a segment that could not be made, meanwhile: all was told
  if (!result) return fail(result.error());
  ++syncs_;
  // The second copy, only when the first is durable: what the vote file vouches for is in the log.
  if (in_flight_->batch.hard_state && *in_flight_->batch.hard_state != vote_.hard_state) return write_vote();
  finish();
}

void WriteAheadLog::Log::write_vote() {
  vote_slot_ = 1 - vote_slot_;
  ++vote_.counter;
  vote_.hard_state = *in_flight_->batch.hard_state;
  vote_.segment = active()->sequence();
  vote_.offset = active()->records_end;
  const Payload slot = Payload::copy_of(encode(vote_));
  disk_.write_sync(*vote_file_, vote_slot_ * vote_slot_distance, {{slot.bytes(), slot}},
                   guarded([](Log& log, Result<void> written) {
                     if (log.failure_) return;
                     if (!written) return log.fail(written.error());
                     ++log.syncs_;
                     log.finish();
                   }));
}

void WriteAheadLog::Log::finish() {
  WriteGroup ended = std::move(*in_flight_);
  in_flight_.reset();
  while (!tail_.empty() && tail_.front().group <= ended.number) {
    tail_.pop_front();
  }
  drop_segments();
  busy_ = false;
  pump();  // the disk goes on while the completions run
  for (auto& done : ended.dones) {
    if (closed_) return;
    done({});
  }
}

void WriteAheadLog::Log::drop_segments() {
  while (segments_.size() > 1 && segments_.front().sequence() < first_needed_) {
    Segment gone = std::move(segments_.front());
    sealed_bytes_ -= gone.header.size;
    segments_.pop_front();
    pool_->recycle(std::move(gone));
  }
}

// For good: everything that waits, and all that comes, ends with this error.
void WriteAheadLog::Log::fail(const Error& error) {
  if (failure_) return;
  failure_ = error;
  std::vector<Completion<void>> dones;
  if (in_flight_) std::ranges::move(in_flight_->dones, std::back_inserter(dones));
  in_flight_.reset();
  for (WriteGroup& group : queue_) {
    std::ranges::move(group.dones, std::back_inserter(dones));
  }
  queue_.clear();
  pool_->close();
  for (auto& done : dones) {
    if (closed_) return;
    done(std::unexpected(*failure_));
  }
}

const Segment* WriteAheadLog::Log::segment(std::uint64_t sequence) const {
  if (segments_.empty() || sequence < segments_.front().sequence()) return nullptr;
  return &segments_[static_cast<std::size_t>(sequence - segments_.front().sequence())];
}

LogStats WriteAheadLog::Log::stats() const {
  LogStats stats;
  stats.first = first_;
  stats.last = last_;
  stats.bytes = sealed_bytes_;
  if (!segments_.empty() && !segments_.back().sealed) stats.bytes += segments_.back().records_end;
  stats.syncs = syncs_;
  stats.bytes_written = bytes_written_;
  if (failure_) stats.room = std::numeric_limits<std::uint64_t>::max();  // so that a next write comes, and is told
  if (failure_ || pool_ == nullptr) return stats;
  // Half: in the worst case each batch is a little larger than the half of a segment. And some for votes.
  std::uint64_t room = pool_->room();
  if (!segments_.empty() && !segments_.back().sealed && !segments_.back().remains) {
    const Segment& active = segments_.back();
    const std::uint64_t taken = active.records_end + active.footer_bytes();
    room += active.header.size > taken ? active.header.size - taken : 0;
  }
  const std::uint64_t reserve = std::min<std::uint64_t>(options_.segment_bytes / 4, 1u << 20) + queued_bytes_;
  stats.room = room / 2 > reserve ? room / 2 - reserve : 0;
  return stats;
}

WriteAheadLog::WriteAheadLog(Disk& disk, Executor& executor, WriteAheadLogOptions options, LogIdentity identity)
    : log_(std::make_shared<Log>(disk, executor, options, identity)) {}
WriteAheadLog::~WriteAheadLog() { close(); }
Result<Recovered> WriteAheadLog::open() { return log_->open(); }
void WriteAheadLog::write(WriteBatch batch, Completion<void> done) { log_->write(std::move(batch), std::move(done)); }
void WriteAheadLog::read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) {
  log_->read(range, max_bytes, std::move(done));
}
LogStats WriteAheadLog::stats() const { return log_->stats(); }
void WriteAheadLog::close() { log_->close(); }

}  // namespace keel
