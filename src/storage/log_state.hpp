#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "keel/port/disk.hpp"
#include "storage/wal_format.hpp"

namespace keel {

// One segment file, and what its footer will have to say.
struct Segment {
  SegmentHeader header;
  std::shared_ptr<File> file;
  std::uint64_t records_end = segment_prefix;
  std::uint64_t chain_before = 0;
  std::uint64_t chain_after = 0;
  bool sealed = false;   // it has a footer: nothing is written to it any more
  bool remains = false;  // of a torn write lie behind its end: it must be sealed, not filled on

  std::optional<Index> first;          // the lowest entry that lies here and counts
  std::optional<Index> truncate_from;  // the lowest
  bool resets = false;
  std::optional<StoredBase> base;  // the newest written here
  std::size_t base_size = 0;       // encoded
  // Bounds of what the footer lists.
  std::size_t terms = 0;
  std::size_t configurations = 0;
  std::size_t points = 0;

  [[nodiscard]] std::uint64_t sequence() const { return header.sequence; }
  // The bytes a footer may take now, or after a record that adds so much.
  [[nodiscard]] std::size_t footer_bytes() const;
  [[nodiscard]] std::size_t footer_bytes_with(const RecordHead& head) const;
  [[nodiscard]] bool has_room_for(const RecordHead& head) const {
    return records_end + head.size() + footer_bytes_with(head) <= header.size;
  }
};

// Where reading may start: the entry, and how far the frames behind it in its record go. From one point up to the next
// one's index, entries lie in order: behind a truncation there is always a new point.
struct Point {
  Index index;
  std::uint64_t segment = 0;
  std::uint32_t offset = 0;
  std::uint32_t frames_end = 0;
};
inline constexpr std::uint32_t point_spacing = 16u << 10;

// A genesis or configuration entry of the log, and where it lies.
struct KnownConfiguration {
  Index index;
  std::uint64_t segment = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  Entry entry;
};

// What the log holds, as its records say: all that is known of entries without reading them. Takes some 24 bytes for
// each 16 KiB of log.
class LogState {
 public:
  // Does what a record does that was read or is written at `offset` of `segment`. Behind a gap it is nothing: false.
  bool apply(const RecordHead& head, Segment& segment, std::uint64_t offset);
  // Does what all records of a segment did.
  bool apply(const SegmentFooter& footer, Segment& segment);
  // The entry of the newest configuration, for those that `apply` has added without it.
  void keep_configuration(const Entry& entry);
  [[nodiscard]] SegmentFooter footer_of(const Segment& segment) const;

  // The log begins at a segment in its middle: what comes first may begin at any index.
  void begin_anywhere() { anywhere_ = true; }

  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  void set_hard_state(const HardState& state) { hard_state_ = state; }
  [[nodiscard]] const LogBase& base() const { return base_; }
  [[nodiscard]] Index last() const { return last_; }
  [[nodiscard]] const std::vector<TermRun>& terms() const { return terms_; }
  [[nodiscard]] std::vector<KnownConfiguration>& configurations() { return configurations_; }
  [[nodiscard]] const std::vector<KnownConfiguration>& configurations() const { return configurations_; }
  [[nodiscard]] Term term_at(Index index) const;  // of an entry that is there, or of the base
  // The point at or before an entry that is there, and the index of the one behind it (or of the log's end).
  [[nodiscard]] const Point& point_before(Index index) const;
  [[nodiscard]] Index next_point(Index index) const;
  // Whether entries behind the base are missing at the front.
  [[nodiscard]] bool has_gap() const;

  // Entries known to be damaged, ascending. Only at open.
  void add_untrusted(Index index) { untrusted_.push_back(index); }
  [[nodiscard]] const std::vector<Index>& untrusted() const { return untrusted_; }

 private:
  void reset(const LogBase& base);
  void truncate_from(Index index);
  void compact(const LogBase& base);
  void append(const RecordHead& head, Segment& segment, std::uint64_t offset);

  HardState hard_state_;
  LogBase base_;
  Index last_;
  std::vector<TermRun> terms_;
  std::vector<KnownConfiguration> configurations_;
  std::deque<Point> points_;
  std::vector<Index> untrusted_;
  bool anywhere_ = false;
  bool new_point_ = true;  // the next entry must be one
};

}  // namespace keel
