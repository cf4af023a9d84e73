#pragma once

#include "keel/wire/frame.hpp"
#include "wire/bytes.hpp"

namespace keel::wire {

// How a payload's head room is used. Distances are from the payload's first byte, backwards.
//
//   96..89  the mark: how long the header is, once there is one, 0 before. It belongs to the block, so that every
//           payload that shares the block can tell, also one that was copied before the entry was framed.
//   88..1   framed: the header, which ends where the payload begins.
//           Not framed: the envelope, where the longer header will have it.
inline constexpr std::size_t mark_distance = Payload::head_room;
inline constexpr std::size_t envelope_distance = 48;
static_assert(Payload::head_room == frame_header_max + sizeof(std::uint64_t));
static_assert(Payload::tail_room == frame_checksum_size);

// Where the header's fields lie.
inline constexpr std::size_t at_payload_size = 0;
inline constexpr std::size_t at_format = 4;
inline constexpr std::size_t at_kind = 5;
inline constexpr std::size_t at_flags = 6;
inline constexpr std::size_t at_cluster = 8;
inline constexpr std::size_t at_group = 16;
inline constexpr std::size_t at_index = 24;
inline constexpr std::size_t at_term = 32;
inline constexpr std::size_t at_envelope = 40;
static_assert(frame_header_max - at_envelope == envelope_distance);

inline constexpr std::uint16_t flag_long_envelope = 1;  // session, sequence, origin and its tag are present

// The payload's header size; 0 if it is not framed.
[[nodiscard]] inline std::size_t head_of(const Payload& payload) {
  if (payload.head() != 0 || payload.begin() == nullptr) return payload.head();
  return static_cast<std::size_t>(load<std::uint64_t>(payload.begin() - mark_distance));
}

// The payload's whole frame, through whichever copy of it this is; empty if it is not framed.
[[nodiscard]] inline ByteView frame_of(const Payload& payload) {
  const std::size_t head = head_of(payload);
  return head == 0 ? ByteView{} : ByteView(payload.begin() - head, head + payload.size() + frame_checksum_size);
}

// Whether it is the frame of this entry, as far as an entry knows: cluster and group are its owner's.
[[nodiscard]] inline bool is_frame_of(ByteView frame, const Entry& entry) {
  const std::byte* const header = frame.data();
  return !frame.empty() && load<std::uint64_t>(header + at_index) == entry.index.value() &&
         load<std::uint64_t>(header + at_term) == entry.term.value() &&
         load<std::uint8_t>(header + at_kind) == static_cast<std::uint8_t>(entry.kind);
}

}  // namespace keel::wire
