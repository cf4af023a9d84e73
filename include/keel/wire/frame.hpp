#pragma once

#include <cstddef>
#include <optional>

#include "keel/base/error.hpp"
#include "keel/raft/entry.hpp"
#include "keel/wire/envelope.hpp"

namespace keel::wire {

// A frame is one entry's bytes: header (with its own checksum), payload, payload checksum. It is made once, in place,
// in the room that a Payload keeps around its bytes; the leader writes it and sends it, the follower writes it,
// unchanged. The header stands without its payload: a damaged payload is still a known entry.
//
// Little-endian:
//   0  u32 payload size     4  u8 format   5  u8 kind   6  u16 flags (1: session and origin are present)
//   8  u64 cluster         16  u64 group  24  u64 index  32  u64 term  40  u64 wall time (ms)
//  [48 u64 session         56  u64 sequence  64  u64 origin node  72  u64 origin tag]
//  48 or 80  u64 XXH3-64 of the header before it
//  then the payload, then u64 XXH3-64 of the payload (seeded with the header's checksum, so that it fits no other).
inline constexpr std::size_t frame_header_min = 56;
inline constexpr std::size_t frame_header_max = 88;
inline constexpr std::size_t frame_checksum_size = 8;
inline constexpr std::uint8_t frame_format = 1;
inline constexpr std::size_t max_payload_bytes = (16u << 20) - 4096;  // so that a message can always carry one entry

struct FrameHeader {
  ClusterId cluster;
  GroupId group;
  Index index;
  Term term;
  EntryKind kind = EntryKind::command;
  std::uint32_t payload_size = 0;
  Envelope envelope;
  std::size_t header_size = 0;  // bytes before the payload
  std::uint64_t checksum = 0;

  [[nodiscard]] std::size_t frame_size() const { return header_size + payload_size + frame_checksum_size; }
};

// Frames the entry where it lies (or in a new block, if its payload never had one), before it is handed to any other
// thread. An entry already framed for this index, term, kind, cluster and group, through whichever copy of its payload,
// is only read; one framed for others is copied first.
void frame(Entry& entry, ClusterId cluster, GroupId group);

// Bytes that `entry`'s frame takes.
[[nodiscard]] std::size_t frame_size(const Entry& entry);

// The header at the start of `bytes`. Errors: `corrupt` (too short, checksum, contradictory fields), `wrong_version`.
[[nodiscard]] Result<FrameHeader> decode_header(ByteView bytes);

// Whether the payload and its checksum behind `header` (which begins at `bytes`) check out.
[[nodiscard]] bool payload_intact(const FrameHeader& header, ByteView bytes);

// The entry whose frame begins at `offset` of `block` and ends before `limit`; shares the block unless the frame is a
// small part of it, in which case it is copied (a slice never pins a block many times its size).
// Errors: as decode_header; `corrupt` also for a payload that does not check out.
[[nodiscard]] Result<Entry> decode_frame(Block& block, std::size_t offset, std::size_t limit);
// The same for a caller that has decoded the header at `offset` already, to see whose entry it is.
[[nodiscard]] Result<Entry> decode_frame(const FrameHeader& header, Block& block, std::size_t offset,
                                         std::size_t limit);
// Whether such an entry shares its block, whose bytes then must not change any more, or is copied out of it.
[[nodiscard]] bool shares_block(std::size_t frame_size, std::size_t block_size);

}  // namespace keel::wire
