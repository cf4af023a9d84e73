#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "asio/message_reader.hpp"
#include "wire_fuzz.hpp"

// A connection as the side sees it that accepts: the dialler's hello, its welcome, then messages, in pieces. The first
// byte says how the rest is taken:
//   bit 0   checksums are made right first
//   bit 1   it comes byte by byte; else in pieces as large as there is room for
namespace keel::fuzz {

inline constexpr ClusterId stream_cluster{0xc0f0};

struct Stream {
  bool greeted = false;      // hello and welcome decoded
  std::size_t messages = 0;  // behind them
  bool refused = false;      // by a decoder: the connection would be closed here
};

// The greeting at the start of `bytes`, whole; nothing if it never comes whole.
inline std::optional<std::span<std::byte>> take_greeting(std::span<std::byte>& bytes, bool fix_checksum) {
  if (bytes.size() < wire::handshake_prefix_bytes) return std::nullopt;
  const auto size = wire::handshake_size(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  const auto greeting = bytes.first(*size);
  if (fix_checksum) wire::fuzz::fix_handshake(greeting);
  bytes = bytes.subspan(*size);
  return greeting;
}

inline void fix_messages(std::span<std::byte> bytes) {
  while (bytes.size() >= wire::length_prefix_bytes) {
    const auto size = wire::decode_length(bytes);
    if (!size || *size > bytes.size() - wire::length_prefix_bytes) return;
    wire::fuzz::fix_message(bytes.subspan(wire::length_prefix_bytes, *size));
    bytes = bytes.subspan(wire::length_prefix_bytes + *size);
  }
}

inline Stream take_stream(wire::fuzz::Input input) {
  Stream found;
  if (input.empty()) return found;
  const bool fix_checksums = (input[0] & 1) != 0;
  const bool byte_by_byte = (input[0] & 2) != 0;
  std::vector<std::byte> stream(std::as_bytes(input.subspan(1)).begin(), std::as_bytes(input.subspan(1)).end());
  std::span<std::byte> rest(stream);

  const auto hello = take_greeting(rest, fix_checksums);
  found.refused = !hello || !wire::decode_hello(*hello);
  if (found.refused) return found;
  const auto welcome = take_greeting(rest, fix_checksums);
  found.refused = !welcome || !wire::decode_welcome(*welcome);
  if (found.refused) return found;
  found.greeted = true;

  if (fix_checksums) fix_messages(rest);
  MessageReader reader(stream_cluster);
  while (!rest.empty()) {
    const auto room = reader.room();
    KEEL_ASSERT(!room.empty(), "a stream always has somewhere to go");
    const std::size_t size = byte_by_byte ? 1 : std::min(room.size(), rest.size());
    std::ranges::copy(rest.first(size), room.begin());
    rest = rest.subspan(size);
    reader.filled(size);
    while (true) {
      const auto message = reader.next();
      found.refused = !message;
      if (found.refused) return found;
      if (!*message) break;
      ++found.messages;
    }
  }
  return found;
}

}  // namespace keel::fuzz
