#include "storage/segment_pool.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "keel/base/assert.hpp"
#include "storage/fields.hpp"

namespace keel {
namespace {

constexpr Duration retry_after = std::chrono::seconds(1);
constexpr std::uint64_t low_space = 1u << 30;  // with less than this the disk is looked at from time to time

std::uint64_t salt_of(std::uint64_t seed, const LogIdentity& identity, std::uint64_t sequence) {
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  out.put(identity.cluster);
  out.put(identity.group);
  out.put(identity.node);
  out.put(sequence);
  const std::uint64_t salt = wire::checksum_of(bytes, seed);
  return salt == 0 ? 1 : salt;  // zeros begin no record
}

}  // namespace

SegmentPool::SegmentPool(Disk& disk, Executor& executor, const WriteAheadLogOptions& options,
                         const LogIdentity& identity, Told told)
    : disk_(disk), executor_(executor), options_(options), identity_(identity), told_(std::move(told)) {}

// A callback that does nothing once the pool is closed or gone.
template <class F>
auto SegmentPool::guarded(F f) {
  return [self = weak_from_this(), f = std::move(f)]<class T>(Result<T> result) mutable {
    const auto pool = self.lock();
    if (pool == nullptr || pool->closed_) return;
    pool->working_ = false;
    f(*pool, std::move(result));
  };
}

void SegmentPool::adopt(std::optional<Segment> ready, std::vector<Segment> spares, std::vector<std::string> debris,
                        std::uint64_t live_bytes) {
  ready_ = std::move(ready);
  spares_ = std::move(spares);
  debris_ = std::move(debris);
  allocated_ = live_bytes + (ready_ ? ready_->header.size : 0);
  for (const Segment& spare : spares_) {
    allocated_ += spare.header.size;
  }
  see(disk_.free_bytes_now().value_or(0));
  work();
}

void SegmentPool::close() {
  closed_ = true;
  executor_.cancel(retry_);
}

void SegmentPool::prepare(std::uint64_t sequence, std::uint64_t size, bool needed) {
  wanted_ = Wanted{sequence, size, needed};
  work();
}

Segment SegmentPool::take() {
  KEEL_ASSERT(ready_, "a segment is taken when it is ready");
  wanted_.reset();
  Segment taken = std::move(*ready_);
  ready_.reset();
  return taken;
}

void SegmentPool::recycle(Segment segment) {
  spares_.push_back(std::move(segment));
  work();
}

void SegmentPool::work() {
  if (working_ || closed_ || clean_up()) return;
  if (!wanted_ || (ready_ && ready_->header.size >= wanted_->size)) return;
  if (ready_) {  // too small for one big batch
    const Segment small = std::move(*ready_);
    ready_.reset();
    return remove(small.file->name(), small.header.size);
  }
  if (may_make()) make();
}

// Removes what nobody will use.
bool SegmentPool::clean_up() {
  if (!debris_.empty()) {
    const std::string name = std::move(debris_.back());
    debris_.pop_back();
    remove(name, 0);
    return true;
  }
  const bool wanted = wanted_ && !ready_ && wanted_->size == options_.segment_bytes;
  const auto useless = std::ranges::find_if(
      spares_, [this](const Segment& spare) { return spare.header.size != options_.segment_bytes; });
  if (useless == spares_.end() && spares_.size() <= options_.spare_segments + (wanted ? 1u : 0u)) return false;
  const auto victim = useless == spares_.end() ? spares_.begin() : useless;
  const Segment gone = std::move(*victim);
  spares_.erase(victim);
  remove(gone.file->name(), gone.header.size);
  return true;
}

bool SegmentPool::may_make() {
  if (wanted_->needed || (!spares_.empty() && wanted_->size == options_.segment_bytes)) return true;
  const bool bounded = wanted_->size > options_.max_log_bytes || allocated_ > options_.max_log_bytes - wanted_->size;
  starved_ = bounded || wanted_->size > free_;
  if (!bounded && starved_) look_again_later();
  return !starved_;
}

void SegmentPool::make() {
  working_ = true;
  std::string name = segment_name(wanted_->sequence);
  if (!spares_.empty() && wanted_->size == options_.segment_bytes) {
    const std::shared_ptr<File> file = std::move(spares_.back().file);
    const std::uint64_t size = spares_.back().header.size;
    spares_.pop_back();
    return disk_.rename(*file, std::move(name), guarded([file, size](SegmentPool& pool, Result<void> renamed) {
      if (renamed) return pool.write_header(file, size);
      pool.debris_.push_back(file->name());
      pool.allocated_ -= size;
      pool.fail_making(renamed.error());
    }));
  }
  disk_.create(std::move(name), wanted_->size,
               guarded([size = wanted_->size](SegmentPool& pool, Result<std::unique_ptr<File>> made) {
                 if (!made) return pool.fail_making(made.error());
                 pool.allocated_ += size;
                 pool.free_ -= std::min(pool.free_, size);
                 pool.write_header(std::move(*made), size);
               }));
}

void SegmentPool::write_header(const std::shared_ptr<File>& file, std::uint64_t size) {
  Segment segment;
  segment.header.identity = identity_;
  segment.header.sequence = *segment_sequence(file->name());
  segment.header.salt = salt_of(options_.salt_seed.drawn, identity_, segment.header.sequence);
  segment.header.size = size;
  segment.file = file;
  const Payload header = Payload::copy_of(encode(segment.header));
  working_ = true;
  disk_.write_sync(*file, 0, {{header.bytes(), header}},
                   guarded([segment = std::move(segment)](SegmentPool& pool, Result<void> written) mutable {
                     if (!written) return pool.fail_making(written.error());
                     pool.starved_ = false;
                     pool.ready_ = std::move(segment);
                     const bool enough = pool.wanted_ && pool.ready_->header.size >= pool.wanted_->size;
                     const bool waited_for = enough && pool.wanted_->needed;
                     pool.look_again();
                     if (waited_for) pool.told_({});
                   }));
}

void SegmentPool::remove(const std::string& name, std::uint64_t size) {
  working_ = true;
  disk_.remove(name, guarded([name, size](SegmentPool& pool, Result<void> removed) {
                 if (removed || removed.error().code == ErrorCode::not_found) {
                   pool.allocated_ -= size;
                 } else if (pool.wanted_ && name == segment_name(pool.wanted_->sequence)) {  // it is in the way
                   return pool.told_(fail(ErrorCode::io, removed.error().message));
                 }
                 // Another that cannot be removed stays, counted, until the next open.
                 pool.look_again();
               }));
}

void SegmentPool::fail_making(const Error& error) {
  if (error.code == ErrorCode::exists) {  // made by an earlier log on this disk that was closed meanwhile
    debris_.push_back(segment_name(wanted_->sequence));
    return work();
  }
  starved_ = true;
  const bool may_wait = error.code == ErrorCode::overloaded && !wanted_->needed;
  if (!may_wait) return told_(fail(ErrorCode::io, error.message));
  look_again_later();
}

// Sees how much space there is, and goes on.
void SegmentPool::look_again() {
  working_ = true;
  disk_.free_bytes(guarded([](SegmentPool& pool, Result<std::uint64_t> free) {
    pool.see(free.value_or(0));
    pool.work();
  }));
}

// Who finds too little room writes nothing, and then nothing else would lead back here.
void SegmentPool::see(std::uint64_t free) {
  free_ = free;
  if (free_ < low_space + options_.segment_bytes) look_again_later();
}

void SegmentPool::look_again_later() {
  executor_.cancel(retry_);
  retry_ = executor_.at(executor_.now() + retry_after, [self = weak_from_this()] {
    const auto pool = self.lock();
    if (pool != nullptr && !pool->working_) pool->look_again();  // else it looks when that has ended
  });
}

std::uint64_t SegmentPool::usable(std::uint64_t segment_size) {
  constexpr std::uint64_t overhead = segment_prefix + 512;  // header, and a footer of the usual size
  return segment_size > overhead ? segment_size - overhead : 0;
}

std::uint64_t SegmentPool::room() const {
  const std::uint64_t ready = ready_ ? usable(ready_->header.size) : 0;
  std::uint64_t more = spares_.size();
  if (!starved_) {
    const std::uint64_t budget = options_.max_log_bytes > allocated_ ? options_.max_log_bytes - allocated_ : 0;
    more += std::min(budget, free_) / options_.segment_bytes;
  }
  return ready + more * usable(options_.segment_bytes);
}

}  // namespace keel
