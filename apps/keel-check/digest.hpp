#pragma once

#include <cstdint>
#include <cstring>

#include "keel/raft/message.hpp"
#include "keel/raft/write.hpp"

namespace keel::check {

// 64 bits of whatever is added to it: of all that is told apart by hash here. Each step multiplies to 128 bits and folds,
// so that single bits reach all others.
class Digest {
 public:
  Digest& add(std::uint64_t value) {
    const auto wide = static_cast<unsigned __int128>(state_ ^ value) * 0x9e3779b97f4a7c15ULL;
    state_ = (static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64)) + 0xd6e8feb86659fd93ULL;
    return *this;
  }
  template <class Tag>
  Digest& add(Ordinal<Tag> value) {
    return add(value.value());
  }
  template <class Tag>
  Digest& add(Number<Tag> value) {
    return add(value.value());
  }
  Digest& add(LogPosition position) { return add(position.term).add(position.index); }
  Digest& add(const HardState& state) { return add(state.term).add(state.vote); }
  Digest& add(const Entry& entry) {
    add(entry.index).add(entry.term).add(static_cast<std::uint64_t>(entry.kind)).add(entry.payload.size());
    for (ByteView bytes = entry.payload.bytes(); !bytes.empty();) {
      const std::size_t n = std::min(bytes.size(), sizeof(std::uint64_t));
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), n);
      add(word);
      bytes = bytes.subspan(n);
    }
    return *this;
  }
  Digest& add(const WriteBatch& batch);
  Digest& add(const Message& message);
  [[nodiscard]] std::uint64_t value() const { return Digest(*this).add(0x4b65656c43686b31ULL).state_; }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3ULL;
};

}  // namespace keel::check
