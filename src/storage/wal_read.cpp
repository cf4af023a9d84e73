#include <algorithm>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/wire/frame.hpp"
#include "storage/wal_log.hpp"

namespace keel {
namespace {

constexpr std::size_t max_chunk = 1u << 20;

}  // namespace

// One read that goes to the disk: walks from the nearest point before its first entry, in large pieces, and adds what
// was in memory when it was asked for.
class WriteAheadLog::Log::Reading : public std::enable_shared_from_this<Reading> {
 public:
  Reading(std::shared_ptr<Log> log, IndexRange on_disk, std::vector<Entry> in_memory, std::size_t max_bytes,
          Completion<std::vector<Entry>> done)
      : log_(std::move(log)),
        range_(on_disk),
        in_memory_(std::move(in_memory)),
        max_bytes_(max_bytes),
        done_(std::move(done)),
        rewrites_(log_->rewrites_) {}

  void start() {
    go_to(range_.first);
    fetch(0);
  }

 private:
  void go_to(Index index) {
    const Point& point = log_->state_.point_before(index);
    at_ = point;
    until_ = log_->state_.next_point(point.index);
  }

  // Reads on from where we are, at least `least` bytes.
  void fetch(std::size_t least) {
    const Segment* const segment = log_->segment(at_.segment);
    if (segment == nullptr) return compacted();
    if (at_.offset >= segment->records_end) return corrupt("the segment's records end here");
    const std::size_t wanted = std::min(max_bytes_ - std::min(bytes_, max_bytes_), max_chunk) + point_spacing;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(segment->records_end - at_.offset, std::max(wanted, least)));
    salt_ = segment->header.salt;
    file_ = segment->file;
    chunk_at_ = at_.offset;
    least_ = least;
    log_->disk_.read(*file_, at_.offset, size, [self = shared_from_this()](Result<BlockPtr> block) {
      if (self->log_->closed_) return;
      if (!block) return self->end(std::unexpected(std::move(block.error())));
      if (self->log_->segment(self->at_.segment) == nullptr) return self->compacted();  // perhaps written over
      self->chunk_ = std::move(*block);
      self->walk();
    });
  }

  void walk() {
    while (true) {
      if (at_.index > range_.last) return end({});
      if (at_.index == until_ && !follow()) return;
      if (at_.offset == at_.frames_end) {
        if (!next_record()) return;
      } else if (!take_entry()) {
        return;
      }
    }
  }

  // To the next point, which may be somewhere else. False if we cannot go on.
  bool follow() {
    if (rewrites_ != log_->rewrites_) {  // what lies there now is not what was asked for
      end(keel::fail(ErrorCode::not_found, "the entries were truncated while they were read"));
      return false;
    }
    if (at_.index <= log_->state_.base().position.index) {
      compacted();
      return false;
    }
    const std::uint64_t segment = at_.segment;
    go_to(at_.index);
    if (at_.segment == segment && at_.offset >= chunk_at_ && at_.offset <= chunk_at_ + chunk_->size()) return true;
    fetch(0);
    return false;
  }

  [[nodiscard]] ByteView rest() const {
    const std::size_t skip = at_.offset - chunk_at_;
    return {chunk_->data() + skip, chunk_->size() - skip};
  }

  // Whether `size` bytes lie before us. If not they are fetched, and we are called again when they do.
  bool have(std::size_t size) {
    if (rest().size() >= size) return true;
    if (chunk_at_ == at_.offset && least_ >= size) {
      corrupt("the segment's records end here");
    } else {
      fetch(size);
    }
    return false;
  }

  bool next_record() {
    at_.offset = static_cast<std::uint32_t>(aligned(at_.offset));
    at_.frames_end = at_.offset;
    const Segment* const segment = log_->segment(at_.segment);
    if (segment != nullptr && at_.offset >= segment->records_end) {
      corrupt("the segment's records end here");
      return false;
    }
    if (at_.offset > chunk_at_ + chunk_->size()) {
      fetch(record_fixed);
      return false;
    }
    if (!have(record_fixed)) return false;
    const auto extent = record_extent(rest(), salt_);
    if (!extent || (extent->entries > 0 && extent->first != at_.index)) {
      corrupt("the record's head is damaged");
      return false;
    }
    const std::uint64_t frames = std::uint64_t{at_.offset} + extent->head_size;
    if (segment != nullptr && frames + extent->frames_size > segment->header.size) {
      corrupt("the record's head is damaged");
      return false;
    }
    at_.offset = static_cast<std::uint32_t>(frames);
    at_.frames_end = at_.offset + extent->frames_size;
    if (at_.offset <= chunk_at_ + chunk_->size()) return true;
    fetch(0);
    return false;
  }

  bool take_entry() {
    if (!have(std::min<std::size_t>(at_.frames_end - at_.offset, wire::frame_header_max))) return false;
    const auto header = wire::decode_header(rest());
    if (!header) return damaged(header.error().message);
    const LogIdentity& owner = log_->identity_;
    if (header->index != at_.index || header->cluster != owner.cluster || header->group != owner.group ||
        !may_have(header->term) || header->frame_size() > at_.frames_end - at_.offset) {
      return damaged("another entry's frame lies here");
    }
    if (!have(header->frame_size())) return false;
    if (at_.index >= range_.first) {
      bytes_ += header->payload_size;
      if (bytes_ > max_bytes_ && !found_.empty()) {
        end({});
        return false;
      }
      const std::size_t from = at_.offset - chunk_at_;
      auto entry = wire::decode_frame(*header, *chunk_, from, from + header->frame_size());
      if (!entry) {
        corrupt(entry.error().message);  // which names the entry
        return false;
      }
      found_.push_back(std::move(*entry));
    }
    at_.offset += static_cast<std::uint32_t>(header->frame_size());
    ++at_.index;
    return true;
  }

  // An older entry of that index may lie where a write was lost.
  [[nodiscard]] bool may_have(Term term) const {
    if (rewrites_ != log_->rewrites_ || at_.index <= log_->state_.base().position.index) return true;
    return term == log_->state_.term_at(at_.index);
  }

  bool damaged(const std::string& what) {
    corrupt(fmt::format("entry {}: {}", at_.index.value(), what));
    return false;
  }

  void compacted() { end(keel::fail(ErrorCode::compacted, "the entries were compacted while they were read")); }

  void corrupt(std::string_view what) {
    end(keel::fail(ErrorCode::corrupt, fmt::format("{} at byte {}: {}; the entries from {} on must be had from a peer",
                                                   file_ ? file_->name() : segment_name(at_.segment), at_.offset, what,
                                                   at_.index.value())));
  }

  // What was found before the error is good.
  void end(Result<void> result) {
    if (!result && found_.empty()) return done_(std::unexpected(std::move(result.error())));
    if (result && at_.index > range_.last) {
      for (Entry& entry : in_memory_) {
        bytes_ += entry.payload.size();
        if (bytes_ > max_bytes_) break;
        found_.push_back(std::move(entry));
      }
    }
    done_(std::move(found_));
  }

  const std::shared_ptr<Log> log_;
  const IndexRange range_;
  std::vector<Entry> in_memory_;
  const std::size_t max_bytes_;
  Completion<std::vector<Entry>> done_;
  const std::uint64_t rewrites_;

  Point at_;     // the next entry; its frame, or the record before it, begins at `offset`
  Index until_;  // the next point's
  std::uint64_t salt_ = 0;
  std::shared_ptr<File> file_;
  BlockPtr chunk_;
  std::uint64_t chunk_at_ = 0;
  std::size_t least_ = 0;  // what the chunk had to have
  std::vector<Entry> found_;
  std::size_t bytes_ = 0;
};

void WriteAheadLog::Log::read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) {
  KEEL_ASSERT(pool_ != nullptr && !closed_, "a log is read from while it is open");
  KEEL_ASSERT(!range.empty(), "a read asks for something");
  const auto refuse = [&](ErrorCode code, std::string message) {
    post([done = std::move(done), error = keel::fail(code, std::move(message))]() mutable { done(error); });
  };
  if (range.first < first_) {
    return refuse(ErrorCode::compacted,
                  fmt::format("entry {} is gone: the log begins at {}", range.first.value(), first_.value()));
  }
  if (range.first > last_) {
    return refuse(ErrorCode::not_found,
                  fmt::format("entry {} is behind the log's end at {}", range.first.value(), last_.value()));
  }
  const Index last = std::min(range.last, last_);
  const Index memory_first = tail_.empty() ? last_.next() : tail_.front().entry.index;
  const Index from = std::max(range.first, memory_first);
  std::vector<Entry> in_memory;
  std::size_t bytes = 0;
  for (Index at = from; at <= last; ++at) {
    const Entry& entry = tail_[at - memory_first].entry;
    bytes += entry.payload.size();
    if (bytes > max_bytes && !(in_memory.empty() && at == range.first)) break;
    in_memory.push_back(entry);
  }
  if (range.first >= memory_first) {
    return post([done = std::move(done), in_memory = std::move(in_memory)]() mutable { done(std::move(in_memory)); });
  }
  const IndexRange on_disk{range.first, std::min(last, memory_first.previous())};
  std::make_shared<Reading>(shared_from_this(), on_disk, std::move(in_memory), max_bytes, std::move(done))->start();
}

}  // namespace keel
