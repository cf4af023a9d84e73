#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/raft/write.hpp"
#include "keel/storage/write_ahead_log.hpp"

// The bytes of the write-ahead log's files, as docs/formats-storage.md describes them. Decoding takes any bytes; what
// does not check out is nothing.
namespace keel {

inline constexpr std::uint32_t wal_format = 1;
inline constexpr std::size_t sector_bytes = 512;
inline constexpr std::uint64_t segment_prefix = 2 * sector_bytes;  // the header, twice; records begin behind it
inline constexpr std::size_t footer_trailer = 24;

[[nodiscard]] std::string segment_name(std::uint64_t sequence);
[[nodiscard]] std::optional<std::uint64_t> segment_sequence(std::string_view name);

[[nodiscard]] constexpr std::uint64_t aligned(std::uint64_t offset) { return (offset + 7) & ~std::uint64_t{7}; }

struct SegmentHeader {
  LogIdentity identity;
  std::uint64_t sequence = 0;
  std::uint64_t salt = 0;
  std::uint64_t size = 0;  // of the file
  bool operator==(const SegmentHeader&) const = default;
};
// Both copies. Decoding takes whichever is whole. Errors: `corrupt`, `wrong_version`.
[[nodiscard]] std::vector<std::byte> encode(const SegmentHeader& header);
[[nodiscard]] Result<SegmentHeader> decode_segment_header(ByteView bytes);

// A base, and the first segment that is still needed behind it.
struct StoredBase {
  LogBase base;
  std::uint64_t first_segment = 0;
};

// What stands before the frames of a record: what the batch does, and enough about each entry (index, term, size,
// whether it is a configuration) to know it when its frame is damaged.
struct RecordHead {
  // An entry's frame: its size, and whether it carries a genesis or configuration.
  struct Frame {
    std::uint32_t size = 0;
    bool configuration = false;
    bool operator==(const Frame&) const = default;
  };

  std::uint64_t salt = 0;
  std::uint64_t chain = 0;   // the checksum of the head before this one, also across segments
  std::uint32_t synced = 0;  // all of the segment below this offset was durable when this was written
  std::optional<HardState> hard_state;
  std::optional<StoredBase> base;
  bool resets = false;  // the base starts the log anew; else it was compacted to it
  std::optional<Index> truncate_from;
  Index first;  // of the entries; where the next would go, if there are none
  std::vector<TermRun> terms;
  std::vector<Frame> frames;

  // Filled in by encoding and decoding.
  std::uint32_t head_size = 0;
  std::uint32_t frames_size = 0;
  std::uint64_t checksum = 0;

  [[nodiscard]] std::uint64_t size() const { return aligned(std::uint64_t{head_size} + frames_size); }
  [[nodiscard]] Index last() const { return first.previous() + frames.size(); }
  [[nodiscard]] Term term_of(std::size_t entry) const;
  // An empty head, with the room of the old one.
  void clear();
};
// Sets head_size, frames_size; how many bytes the record will take is size().
void measure(RecordHead& head);
// Appends the measured head to `bytes` and sets its checksum.
void encode(RecordHead& head, std::vector<std::byte>& bytes);

// The part of fixed size: whether `bytes` begin like a record of this segment, and how far its head and frames go.
inline constexpr std::size_t record_fixed = 48;
struct RecordExtent {
  std::uint32_t head_size;
  std::uint32_t frames_size;
  Index first;
  std::uint32_t entries;
  [[nodiscard]] std::uint64_t size() const { return aligned(std::uint64_t{head_size} + frames_size); }
};
[[nodiscard]] std::optional<RecordExtent> record_extent(ByteView bytes, std::uint64_t salt);
// `bytes` are the head, whole.
[[nodiscard]] std::optional<RecordHead> decode_record_head(ByteView bytes, std::uint64_t salt);

// Where an entry lies, and up to where the frames behind it in its record go: reading starts at such points.
struct FooterPoint {
  Index index;
  std::uint32_t offset = 0;
  std::uint32_t frames_end = 0;
  bool operator==(const FooterPoint&) const = default;
};
struct FooterConfiguration {
  Index index;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool operator==(const FooterConfiguration&) const = default;
};

// The net effect of all records of a segment.
struct SegmentFooter {
  SegmentHeader header;
  std::uint64_t chain_before = 0;
  std::uint64_t chain_after = 0;
  std::uint32_t records_end = 0;
  HardState hard_state;
  std::optional<StoredBase> base;      // the newest written here
  bool resets = false;                 // nothing from before this segment is left
  std::optional<Index> truncate_from;  // the lowest
  Index first;                         // of the entries that lie here; behind `last` if none does
  Index last;                          // of the log
  std::vector<TermRun> terms;
  std::vector<FooterConfiguration> configurations;
  std::vector<FooterPoint> points;
};
[[nodiscard]] std::vector<std::byte> encode(const SegmentFooter& footer);
// The size that the footer at the end of `bytes`, which end where the segment does, claims to have.
[[nodiscard]] std::optional<std::size_t> footer_size(ByteView bytes);
[[nodiscard]] std::optional<SegmentFooter> decode_footer(ByteView bytes);

// An upper bound of a footer's size, kept while a segment fills.
[[nodiscard]] std::size_t footer_bound(std::size_t terms, std::size_t configurations, std::size_t points,
                                       std::size_t base_size);
[[nodiscard]] std::size_t encoded_size(const StoredBase& base);

// One of two slots in the file `vote`.
inline constexpr std::string_view vote_file_name = "vote";
inline constexpr std::size_t vote_slot_distance = 4096;
inline constexpr std::size_t vote_file_size = 2 * vote_slot_distance;
struct VoteSlot {
  LogIdentity identity;
  std::uint64_t counter = 0;  // the slots take turns; the higher is the newer
  HardState hard_state;
  std::uint64_t segment = 0;  // the log was durable up to here when this was written
  std::uint64_t offset = 0;
  bool operator==(const VoteSlot&) const = default;
};
[[nodiscard]] std::vector<std::byte> encode(const VoteSlot& slot);  // one sector
[[nodiscard]] Result<VoteSlot> decode_vote_slot(ByteView bytes);

// Of two copies, the one that is not forgotten: a later term, or a vote cast in the same.
[[nodiscard]] bool is_newer(const HardState& a, const HardState& b);

}  // namespace keel
