#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/payload.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel::wire {

inline constexpr std::uint8_t message_version = 1;
inline constexpr std::size_t max_message_bytes = 16u << 20;  // a message larger is refused on both sides
inline constexpr std::size_t length_prefix_bytes = 4;        // before each message: how many bytes follow

// Messages ready to leave: pieces to be gathered in one send. Small frames are copied into slabs, large ones are
// referred to, unchanged, and kept alive. Reused after `clear`, it allocates nothing in the long run.
class Encoded {
 public:
  Encoded() = default;
  Encoded(Encoded&& other) noexcept { swap(other); }  // `other` is then empty
  Encoded& operator=(Encoded&& other) noexcept {
    Encoded(std::move(other)).swap(*this);
    return *this;
  }
  void swap(Encoded& other) noexcept;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // In order. They stay where they are, through moves too, until `clear`; more may be added behind them.
  [[nodiscard]] const std::vector<ByteView>& pieces() const { return pieces_; }
  // All of it in one run of bytes.
  [[nodiscard]] std::vector<std::byte> flatten() const;
  void clear();

 private:
  friend class Encoder;
  std::byte* room(std::size_t size);  // contiguous, for the next `commit` of at most this size
  void commit(std::size_t size);
  void refer(const Payload& owner, ByteView bytes);

  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::size_t current_ = 0;  // the slab being filled
  std::size_t used_ = 0;     // of it
  std::size_t size_ = 0;
  std::vector<Payload> owners_;
  std::vector<ByteView> pieces_;
};

// Appends `message`, behind a length prefix (u32), to what is to be sent. Entries must have been framed.
// Error: `too_large` (max_message_bytes); then nothing was appended.
[[nodiscard]] Result<void> encode(const PeerMessage& message, Encoded& out);

// The size of the message behind the length prefix that `bytes` begins with. Error: `corrupt` (no message has that size).
[[nodiscard]] Result<std::size_t> decode_length(ByteView bytes);

// One whole message (without its length prefix), which lies at [offset, offset + size) of `block`; its entries share
// the block as decode_frame does. Bytes may be hostile. Errors: `corrupt`, `wrong_version`, `wrong_cluster`.
[[nodiscard]] Result<PeerMessage> decode(Block& block, std::size_t offset, std::size_t size, ClusterId cluster);

}  // namespace keel::wire
