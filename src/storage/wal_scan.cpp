#include "storage/wal_scan.hpp"

#include <algorithm>

#include "keel/wire/frame.hpp"
#include "wire/bytes.hpp"

namespace keel {
namespace {

class Scanner {
 public:
  Scanner(Disk& disk, File& file, const SegmentHeader& header) : reader_(disk, file, header.size), header_(header) {}

  Result<Scan> run(std::optional<std::uint64_t> chain) {
    Scan scan;
    while (true) {
      auto head = head_at(scan.end);
      if (!head) return std::unexpected(std::move(head.error()));
      if (!*head || (chain && (*head)->chain != *chain)) break;
      scan.synced = std::max<std::uint64_t>(scan.synced, (*head)->synced);
      ScannedRecord record{std::move(**head), scan.end, {}};
      if (auto checked = check_frames(record); !checked) return std::unexpected(std::move(checked.error()));
      chain = record.head.checksum;
      scan.end += record.head.size();
      scan.records.push_back(std::move(record));
    }
    if (auto looked = look_behind(scan); !looked) return std::unexpected(std::move(looked.error()));
    return scan;
  }

 private:
  // A head that checks out, of a record that fits into the segment.
  Result<std::optional<RecordHead>> head_at(std::uint64_t offset) {
    auto bytes = reader_.at(offset, record_fixed);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    const auto extent = record_extent(*bytes, header_.salt);
    if (!extent || extent->size() > reader_.size() - offset) return std::nullopt;
    bytes = reader_.at(offset, extent->head_size);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    return decode_record_head(*bytes, header_.salt);
  }

  Result<void> check_frames(ScannedRecord& record) {
    std::uint64_t at = record.offset + record.head.head_size;
    for (std::uint32_t i = 0; i < record.head.frames.size(); ++i) {
      const std::uint32_t size = record.head.frames[i].size;
      const auto bytes = reader_.at(at, size);
      if (!bytes) return std::unexpected(bytes.error());
      if (!is_whole(*bytes, record.head, i)) record.damaged.push_back(i);
      at += size;
    }
    return {};
  }

  [[nodiscard]] bool is_whole(ByteView bytes, const RecordHead& head, std::uint32_t entry) const {
    const auto frame = wire::decode_header(bytes);
    return frame && frame->frame_size() == head.frames[entry].size && frame->cluster == header_.identity.cluster &&
           frame->group == header_.identity.group && frame->index == head.first + entry &&
           frame->term == head.term_of(entry) && wire::payload_intact(*frame, bytes);
  }

  // Records lie at multiples of 8 and begin with the salt. One that begins at the end may have lost the sector with its
  // salt and kept what follows: a record written there, torn in turn, could make it whole again.
  Result<void> look_behind(Scan& scan) {
    constexpr std::size_t step = 64u << 10;
    constexpr std::uint64_t block = 4096;  // no disk's sectors are larger
    const auto near = reader_.at(scan.end, static_cast<std::size_t>(2 * block - scan.end % block));
    if (!near) return std::unexpected(near.error());
    scan.remains = std::ranges::any_of(*near, [](std::byte b) { return b != std::byte{}; });
    for (std::uint64_t at = scan.end; at < reader_.size(); at += step) {
      auto bytes = reader_.at(at, step);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      const std::vector<std::uint64_t> found = places_of_salt(*bytes, at);
      for (const std::uint64_t place : found) {
        scan.remains = true;
        auto head = head_at(place);
        if (!head) return std::unexpected(std::move(head.error()));
        if (*head && (*head)->synced <= place) scan.synced = std::max<std::uint64_t>(scan.synced, (*head)->synced);
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<std::uint64_t> places_of_salt(ByteView bytes, std::uint64_t offset) const {
    std::vector<std::uint64_t> places;
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      // A footer that is damaged holds the salt too, in its last bytes.
      const bool in_footer = offset + i + footer_trailer == reader_.size();
      if (wire::load<std::uint64_t>(bytes.data() + i) == header_.salt && !in_footer) places.push_back(offset + i);
    }
    return places;
  }

  FileReader reader_;
  const SegmentHeader& header_;
};

}  // namespace

Result<ByteView> FileReader::at(std::uint64_t offset, std::size_t size) {
  if (offset >= size_) return ByteView{};
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - offset));
  if (offset < begin_ || offset + size > begin_ + held_.size()) {
    const std::uint64_t wanted = std::max<std::uint64_t>(size, window);
    auto bytes = disk_.read_now(file_, offset, static_cast<std::size_t>(std::min(wanted, size_ - offset)));
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    held_ = std::move(*bytes);
    begin_ = offset;
    if (held_.size() < size) {
      return fail(ErrorCode::corrupt, file_.name() + " is shorter than it was made");
    }
  }
  return ByteView(held_).subspan(static_cast<std::size_t>(offset - begin_), size);
}

Result<Scan> scan_segment(Disk& disk, File& file, const SegmentHeader& header, std::optional<std::uint64_t> chain) {
  return Scanner(disk, file, header).run(chain);
}

}  // namespace keel
