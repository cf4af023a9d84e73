#include "asio/message_reader.hpp"

#include <algorithm>
#include <cstring>

#include "keel/base/assert.hpp"
#include "keel/wire/codec.hpp"

namespace keel {

namespace {

constexpr std::size_t least_block = 16u << 10;
constexpr std::size_t greatest_block = 256u << 10;  // but for messages that are larger

}  // namespace

MessageReader::MessageReader(ClusterId cluster)
    : cluster_(cluster),
      block_(Block::make(least_block)),
      usual_size_(least_block),
      wanted_(wire::length_prefix_bytes) {}

MessageReader::~MessageReader() { block_->release(); }

std::span<std::byte> MessageReader::room() {
  make_room();
  return {block_->data() + filled_, block_->size() - filled_};
}

void MessageReader::filled(std::size_t bytes) {
  filled_ += bytes;
  KEEL_ASSERT(filled_ <= block_->size(), "what was read fits the room that was given");
  if (filled_ == block_->size()) usual_size_ = std::clamp(2 * block_->size(), usual_size_, greatest_block);
}

Result<std::optional<PeerMessage>> MessageReader::next() {
  const std::size_t waiting = filled_ - taken_;
  if (wanted_ == wire::length_prefix_bytes) {
    if (waiting < wire::length_prefix_bytes) return std::nullopt;
    const auto size = wire::decode_length({block_->data() + taken_, waiting});
    if (!size) return std::unexpected(size.error());
    wanted_ = wire::length_prefix_bytes + *size;
  }
  if (waiting < wanted_) return std::nullopt;

  auto message =
      wire::decode(*block_, taken_ + wire::length_prefix_bytes, wanted_ - wire::length_prefix_bytes, cluster_);
  taken_ += wanted_;
  wanted_ = wire::length_prefix_bytes;
  if (!message) return std::unexpected(std::move(message).error());
  return std::move(*message);
}

void MessageReader::make_room() {
  const bool nothing_waits = taken_ == filled_;
  const bool free = !block_->shared();
  if (nothing_waits && free && block_->size() == usual_size_) {
    taken_ = filled_ = 0;
  } else if (nothing_waits && block_->size() != usual_size_) {  // grown, or the end of a large message's block
    move_to(Block::make(usual_size_));
  } else if (taken_ + wanted_ > block_->size() || filled_ == block_->size()) {
    const std::size_t needed = std::max(wanted_, usual_size_);
    move_to(free && block_->size() == needed ? block_ : Block::make(needed));
  }
}

void MessageReader::move_to(Block* block) {
  const std::size_t waiting = filled_ - taken_;
  std::memmove(block->data(), block_->data() + taken_, waiting);
  if (block != block_) block_->release();
  block_ = block;
  taken_ = 0;
  filled_ = waiting;
}

}  // namespace keel
