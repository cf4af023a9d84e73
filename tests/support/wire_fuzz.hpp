#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "keel/base/assert.hpp"
#include "keel/wire/codec.hpp"
#include "keel/wire/frame.hpp"
#include "keel/wire/handshake.hpp"
#include "wire/checksum.hpp"
#include "wire/room.hpp"

// What the fuzz targets of wire/ do with an input, and whether it decoded. The first byte says how the rest is taken:
//   bit 0  checksums are made right first: a fuzzer would never find them, and all that lies behind them
//   bit 1  the bytes lie in a buffer many times their size, so that entries are copied out of it
// Whatever decodes is encoded again and must give the same bytes: nothing has two spellings.
namespace keel::wire::fuzz {

using Input = std::span<const std::uint8_t>;

inline constexpr ClusterId cluster{0xc1c2c3c4c5c6c7c8};

struct Taken {
  bool fix_checksums = false;
  Block* block = nullptr;
  std::size_t size = 0;

  explicit Taken(Input input) {
    const unsigned mode = input.empty() ? 0 : input[0];
    const auto bytes = std::as_bytes(input.empty() ? input : input.subspan(1));
    fix_checksums = (mode & 1) != 0;
    size = bytes.size();
    block = Block::make((mode & 2) != 0 ? size * 8 : size);
    copy_bytes(block->data(), bytes);
    std::fill(block->data() + size, block->data() + block->size(), std::byte{});
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() { block->release(); }

  [[nodiscard]] std::span<std::byte> bytes() const { return {block->data(), size}; }
};

// Makes the checksums of the frame at the start of `bytes` right. Returns its size, 0 if it does not fit.
inline std::size_t fix_frame(std::span<std::byte> bytes) {
  if (bytes.size() < frame_header_min) return 0;
  const bool is_long = (load<std::uint16_t>(bytes.data() + at_flags) & flag_long_envelope) != 0;
  const std::size_t head = is_long ? frame_header_max : frame_header_min;
  const std::size_t payload = load<std::uint32_t>(bytes.data() + at_payload_size);
  if (bytes.size() < head) return 0;
  const std::uint64_t checksum = checksum_of(bytes.first(head - 8));
  store(bytes.data() + head - 8, checksum);
  if (payload > bytes.size() || head + payload + frame_checksum_size > bytes.size()) return 0;
  store(bytes.data() + head + payload, checksum_of(bytes.subspan(head, payload), checksum));
  return head + payload + frame_checksum_size;
}

// By type number: how many bytes a message's head has; 0 for no type.
inline constexpr auto head_sizes = [] {
  std::array<std::size_t, 256> sizes{};
  constexpr std::size_t common = 36;
  constexpr std::array<std::size_t, 10> own{0, 18, 11, 28, 25, 24, 16, 16, 8, 17};
  for (std::size_t type = 1; type < own.size(); ++type) {
    sizes[type] = common + own[type];
  }
  sizes[32] = common + 37;
  sizes[33] = common + 33;
  return sizes;
}();

inline void fix_message(std::span<std::byte> bytes) {
  if (bytes.size() < 2) return;
  const auto type = std::to_integer<std::size_t>(bytes[1]);
  const std::size_t head = head_sizes[type];
  if (head == 0 || bytes.size() < head + 8) return;
  const std::uint64_t checksum = checksum_of(bytes.first(head), bytes.size());
  store(bytes.data() + head, checksum);
  std::span<std::byte> tail = bytes.subspan(head + 8);
  if (type == 3) {
    for (std::size_t size = fix_frame(tail); size != 0; size = fix_frame(tail)) {
      tail = tail.subspan(size);
    }
  }
  if (type == 32 && tail.size() >= 8) {
    store(tail.data() + tail.size() - 8, checksum_of(tail.first(tail.size() - 8), checksum));
  }
}

inline void fix_handshake(std::span<std::byte> bytes) {
  if (bytes.size() < 16 || bytes.size() > max_hello_bytes) return;
  store(bytes.data() + 6, static_cast<std::uint16_t>(bytes.size()));
  store(bytes.data() + bytes.size() - 8, checksum_of(bytes.first(bytes.size() - 8)));
}

inline bool frame_decodes(Input input) {
  const Taken taken(input);
  if (taken.fix_checksums) fix_frame(taken.bytes());
  const auto entry = decode_frame(*taken.block, 0, taken.size);
  if (!entry) return false;

  const auto header = decode_header(taken.bytes());
  Entry again{entry->index, entry->term, entry->kind, Payload::copy_of(entry->payload.bytes())};
  set_envelope(again.payload, envelope_of(entry->payload));
  frame(again, header->cluster, header->group);
  const ByteView original = taken.bytes().first(header->frame_size());
  KEEL_ASSERT(std::ranges::equal(entry->payload.frame(), original), "an entry keeps its frame");
  KEEL_ASSERT(std::ranges::equal(again.payload.frame(), original), "an entry has one frame only");
  return true;
}

inline bool message_decodes(Input input) {
  const Taken taken(input);
  if (taken.fix_checksums) fix_message(taken.bytes());
  const auto message = decode(*taken.block, 0, taken.size, cluster);
  if (!message) return false;

  Encoded out;
  KEEL_ASSERT(encode(*message, out), "what was received can be sent");
  KEEL_ASSERT(std::ranges::equal(ByteView(out.flatten()).subspan(length_prefix_bytes), taken.bytes()),
              "a message has one spelling only");
  return true;
}

inline bool handshake_decodes(Input input) {
  const Taken taken(input);
  if (taken.fix_checksums) fix_handshake(taken.bytes());
  const auto same = [&](const std::vector<std::byte>& again) {
    KEEL_ASSERT(std::ranges::equal(again, taken.bytes()), "a handshake has one spelling only");
    return true;
  };
  if (const auto hello = decode_hello(taken.bytes())) return same(encode(*hello));
  if (const auto welcome = decode_welcome(taken.bytes())) return same(encode(*welcome));
  return false;
}

}  // namespace keel::wire::fuzz
