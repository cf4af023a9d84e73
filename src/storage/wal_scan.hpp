#pragma once

#include <optional>
#include <vector>

#include "keel/port/disk.hpp"
#include "storage/wal_format.hpp"

namespace keel {

// Reads a file at open, piece by piece, each byte about once if it is read onwards.
class FileReader {
 public:
  FileReader(Disk& disk, File& file, std::uint64_t size) : disk_(disk), file_(file), size_(size) {}
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // `size` bytes at `offset`, or as many as there are; good until the next call.
  Result<ByteView> at(std::uint64_t offset, std::size_t size);

 private:
  static constexpr std::size_t window = 1u << 20;
  Disk& disk_;
  File& file_;
  std::uint64_t size_;
  std::uint64_t begin_ = 0;
  std::vector<std::byte> held_;
};

struct ScannedRecord {
  RecordHead head;
  std::uint64_t offset = 0;
  std::vector<std::uint32_t> damaged;  // entries, counted from the record's first
};

// What reading through a segment's records has shown.
struct Scan {
  std::vector<ScannedRecord> records;  // each with a whole head, chained to the one before
  std::uint64_t end = segment_prefix;  // behind the last of them
  std::uint64_t synced = 0;  // all below was durable at some time: so say records, at their place or further on
  bool remains = false;      // of this segment's own, behind the end
};

// `chain`: the checksum of the head before this segment's first, or nothing to believe what that record says.
// Errors: `io`.
Result<Scan> scan_segment(Disk& disk, File& file, const SegmentHeader& header, std::optional<std::uint64_t> chain);

}  // namespace keel
