#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/payload.hpp"

namespace keel::wire {

// The first thing each side of a connection says, so that strangers and strays are refused by name. It is about nodes,
// not groups: all groups that two nodes share use one connection, and each message on it names its own.
struct Hello {
  ClusterId cluster;
  std::string cluster_name;
  NodeId node;
  NodeId expects;           // whom the sender believes it is talking to; 0: anybody
  Incarnation incarnation;  // of the sender's data directory
  std::uint32_t min_format = 1;
  std::uint32_t max_format = 1;
  std::string member_data;
  bool operator==(const Hello&) const = default;
};

// The answer: empty when accepted, else why not, for the other side's log.
struct Welcome {
  ErrorCode refusal = ErrorCode::invalid;
  std::string reason;  // empty: accepted
  bool operator==(const Welcome&) const = default;
};

inline constexpr std::size_t max_hello_bytes = 4096;

inline constexpr std::size_t handshake_prefix_bytes = 8;

inline constexpr std::size_t max_hello_texts = 3000;  // name and member data together, in bytes

// Each begins with a magic number, a version and its length, and ends with a checksum. Longer texts of a hello than there
// may be are the caller's mistake; a reason longer than that is cut.
[[nodiscard]] std::vector<std::byte> encode(const Hello& hello);
[[nodiscard]] std::vector<std::byte> encode(const Welcome& welcome);
// Bytes of the whole hello or welcome that begins with these, handshake_prefix_bytes or more: how many to read before
// decoding. At most max_hello_bytes. Errors: `corrupt` (not Keel, a size that cannot be).
[[nodiscard]] Result<std::size_t> handshake_size(ByteView bytes);
// Errors: `corrupt` (not Keel, truncated, checksum), `wrong_version`.
[[nodiscard]] Result<Hello> decode_hello(ByteView bytes);
[[nodiscard]] Result<Welcome> decode_welcome(ByteView bytes);

}  // namespace keel::wire
