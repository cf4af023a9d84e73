#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "keel/base/error.hpp"
#include "keel/base/payload.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel {

// Cuts a stream of bytes into messages. Bytes are read ahead, straight into blocks that are used again and again; a
// large message gets a block of its own, which its entries share. Holds one block; a peer may make it 16 MiB.
class MessageReader {
 public:
  explicit MessageReader(ClusterId cluster);
  ~MessageReader();
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // Where the next bytes of the stream go; never empty. Once `next` has said that there is no whole message.
  [[nodiscard]] std::span<std::byte> room();
  // So many have been put there.
  void filled(std::size_t bytes);

  // The next whole message, if there is one. An error ends the stream: where a next message would begin is not known.
  // Errors: those of wire::decode_length and wire::decode.
  [[nodiscard]] Result<std::optional<PeerMessage>> next();

 private:
  void make_room();
  void move_to(Block* block);

  ClusterId cluster_;
  Block* block_;
  std::size_t usual_size_;  // of a block; doubles while the stream fills them
  std::size_t taken_ = 0;   // [taken_, filled_) of the block has arrived and was not yet cut into messages
  std::size_t filled_ = 0;
  std::size_t wanted_;  // bytes of the message that begins at taken_, with its prefix; the prefix's until that is there
};

}  // namespace keel
