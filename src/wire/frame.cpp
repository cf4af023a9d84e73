#include "keel/wire/frame.hpp"

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "wire/checksum.hpp"
#include "wire/envelope_bytes.hpp"
#include "wire/room.hpp"

namespace keel::wire {
namespace {

// A slice may keep a block alive that is this many times its frame's size; of a larger block it is copied out.
constexpr std::size_t max_pinned = 4;

struct Owner {
  ClusterId cluster;
  GroupId group;
};

bool is_owned_by(ByteView frame, Owner owner) {
  return load<std::uint64_t>(frame.data() + at_cluster) == owner.cluster.value() &&
         load<std::uint64_t>(frame.data() + at_group) == owner.group.value();
}

Payload unframed_copy(const Payload& payload) {
  Payload copy = Payload::copy_of(payload.bytes());
  set_envelope(copy, envelope_of(payload));
  return copy;
}

// Writes header and checksum around a payload that has none.
void write_frame(Entry& entry, Owner owner) {
  Payload& payload = entry.payload;
  const Envelope envelope = envelope_of(payload);
  const bool with_rest = is_long(envelope);
  const std::size_t head = with_rest ? frame_header_max : frame_header_min;
  std::byte* const header = payload.begin() - head;

  store(header + at_payload_size, static_cast<std::uint32_t>(payload.size()));
  store(header + at_format, frame_format);
  store(header + at_kind, static_cast<std::uint8_t>(entry.kind));
  store(header + at_flags, with_rest ? flag_long_envelope : std::uint16_t{0});
  store(header + at_cluster, owner.cluster.value());
  store(header + at_group, owner.group.value());
  store(header + at_index, entry.index.value());
  store(header + at_term, entry.term.value());
  store_wall_time(header + at_envelope, envelope);
  if (with_rest) store_rest(header + at_envelope, envelope);

  const std::size_t checked = head - sizeof(std::uint64_t);
  const std::uint64_t checksum = checksum_of({header, checked});
  store(header + checked, checksum);
  store(payload.begin() + payload.size(), checksum_of(payload.bytes(), checksum));
  store(payload.begin() - mark_distance, std::uint64_t{head});
  payload.set_head(head);
}

std::unexpected<Error> corrupt_header(const char* what) {
  return fail(ErrorCode::corrupt, fmt::format("frame header: {}", what));
}

}  // namespace

void frame(Entry& entry, ClusterId cluster, GroupId group) {
  KEEL_ASSERT(entry.payload.size() <= max_payload_bytes, "an entry too large for a frame is refused when proposed");
  KEEL_ASSERT(entry.index != Index{}, "an entry has its index before it is framed");
  const Owner owner{cluster, group};
  if (entry.payload.begin() == nullptr) entry.payload = Payload::with_size(0);
  if (const ByteView made = frame_of(entry.payload); !made.empty()) {
    if (is_frame_of(made, entry) && is_owned_by(made, owner)) return entry.payload.set_head(head_of(entry.payload));
    entry.payload = unframed_copy(entry.payload);
  }
  write_frame(entry, owner);
}

std::size_t frame_size(const Entry& entry) {
  std::size_t head = head_of(entry.payload);
  if (head == 0) head = is_long(envelope_of(entry.payload)) ? frame_header_max : frame_header_min;
  return head + entry.payload.size() + frame_checksum_size;
}

Result<FrameHeader> decode_header(ByteView bytes) {
  if (bytes.size() < frame_header_min) return corrupt_header("fewer bytes than a header has");
  const std::byte* const at = bytes.data();
  const auto flags = load<std::uint16_t>(at + at_flags);
  const bool with_rest = (flags & flag_long_envelope) != 0;

  FrameHeader header;
  header.header_size = with_rest ? frame_header_max : frame_header_min;
  if (bytes.size() < header.header_size) return corrupt_header("fewer bytes than a header has");
  const std::size_t checked = header.header_size - sizeof(std::uint64_t);
  header.checksum = load<std::uint64_t>(at + checked);
  if (checksum_of(bytes.first(checked)) != header.checksum) return corrupt_header("checksum mismatch");

  // Only now, so that a damaged version is told from another one.
  if (const auto format = load<std::uint8_t>(at + at_format); format != frame_format) {
    return fail(ErrorCode::wrong_version,
                fmt::format("frame header: format {}, this build reads format {}", format, frame_format));
  }
  header.payload_size = load<std::uint32_t>(at + at_payload_size);
  header.kind = static_cast<EntryKind>(load<std::uint8_t>(at + at_kind));
  header.cluster = ClusterId(load<std::uint64_t>(at + at_cluster));
  header.group = GroupId(load<std::uint64_t>(at + at_group));
  header.index = Index(load<std::uint64_t>(at + at_index));
  header.term = Term(load<std::uint64_t>(at + at_term));
  header.envelope = load_envelope(at + at_envelope, with_rest);

  if ((flags & ~flag_long_envelope) != 0) return corrupt_header("unknown flags");
  if (with_rest && !is_long(header.envelope)) return corrupt_header("says it has a session or origin and has none");
  if (header.kind == EntryKind{}) return corrupt_header("entry of kind 0");
  if (header.index == Index{}) return corrupt_header("entry at index 0");
  if (header.payload_size > max_payload_bytes) return corrupt_header("payload larger than any may be");
  return header;
}

bool payload_intact(const FrameHeader& header, ByteView bytes) {
  if (bytes.size() < header.frame_size()) return false;
  const ByteView payload = bytes.subspan(header.header_size, header.payload_size);
  return load<std::uint64_t>(payload.data() + payload.size()) == checksum_of(payload, header.checksum);
}

bool shares_block(std::size_t frame_size, std::size_t block_size) { return frame_size * max_pinned >= block_size; }

Result<Entry> decode_frame(const FrameHeader& header, Block& block, std::size_t offset, std::size_t limit) {
  const ByteView bytes(block.data() + offset, limit - offset);
  if (bytes.size() < header.frame_size()) {
    return fail(ErrorCode::corrupt, fmt::format("entry {}: cut short: {} of {} bytes", header.index.value(),
                                                bytes.size(), header.frame_size()));
  }
  if (!payload_intact(header, bytes)) {
    return fail(ErrorCode::corrupt, fmt::format("entry {}: payload checksum mismatch", header.index.value()));
  }
  Entry entry{header.index, header.term, header.kind, {}};
  if (shares_block(header.frame_size(), block.size())) {
    entry.payload = Payload::slice_of(block, offset + header.header_size, header.payload_size, header.header_size);
  } else {
    entry.payload = Payload::with_size(header.payload_size);
    copy_bytes(entry.payload.begin() - header.header_size, bytes.first(header.frame_size()));
    entry.payload.set_head(header.header_size);
  }
  return entry;
}

Result<Entry> decode_frame(Block& block, std::size_t offset, std::size_t limit) {
  KEEL_ASSERT(offset <= limit && limit <= block.size(), "the bytes to decode lie inside the block");
  const auto header = decode_header({block.data() + offset, limit - offset});
  if (!header) return std::unexpected(header.error());
  return decode_frame(*header, block, offset, limit);
}

}  // namespace keel::wire
