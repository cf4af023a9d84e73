#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/payload.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel::wire {

inline constexpr std::uint8_t message_version = 1;
inline constexpr std::size_t max_message_bytes = 16u << 20;  // a message larger is refused on both sides

// A message ready to leave: pieces to be gathered in one send. Small frames are copied into the slab, large ones are
// referred to, unchanged.
class Encoded {
 public:
  struct Piece {
    ByteView bytes;
  };
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::vector<ByteView>& pieces() const { return pieces_; }
  // All of it in one run of bytes.
  [[nodiscard]] std::vector<std::byte> flatten() const;

 private:
  friend class Encoder;
  std::vector<std::vector<std::byte>> slabs_;
  std::vector<Payload> owners_;
  std::vector<ByteView> pieces_;
};

// Appends `message`, behind a length prefix (u32), to what is to be sent. Entries must have been framed.
void encode(const PeerMessage& message, Encoded& out);

// One whole message (without its length prefix), which lies at [offset, offset + size) of `block`; its entries share
// the block as decode_frame does. Bytes may be hostile. Errors: `corrupt`, `wrong_version`, `wrong_cluster`.
[[nodiscard]] Result<PeerMessage> decode(Block& block, std::size_t offset, std::size_t size, ClusterId cluster);

}  // namespace keel::wire
