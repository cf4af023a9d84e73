#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/ids.hpp"
#include "keel/raft/entry.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

namespace keel {

// Appends a file's fields, little-endian, to a buffer that it does not own.
class FieldWriter {
 public:
  explicit FieldWriter(std::vector<std::byte>& out) : out_(out) {}

  template <std::unsigned_integral T>
  void put(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof value);
    wire::store(out_.data() + at, value);
  }
  template <class Tag>
  void put(Number<Tag> value) {
    put(value.value());
  }
  template <class Tag>
  void put(Ordinal<Tag> value) {
    put(value.value());
  }
  void put(LogPosition value) {
    put(value.term);
    put(value.index);
  }
  void bytes(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void pad_to(std::size_t multiple, std::size_t from = 0) {
    while ((out_.size() - from) % multiple != 0) {
      out_.push_back({});
    }
  }
  // Over everything since `from`.
  void checksum(std::uint64_t seed, std::size_t from = 0) {
    put(wire::checksum_of(ByteView(out_).subspan(from), seed));
  }

 private:
  std::vector<std::byte>& out_;
};

// Takes fields from bytes that may be anything. Once one does not fit, `ok` is false for good and all that follows is 0.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : left_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

  template <std::unsigned_integral T>
  T take() {
    const ByteView field = bytes(sizeof(T));
    return field.empty() ? T{} : wire::load<T>(field.data());
  }
  template <class Id>
  Id id() {
    return Id(take<std::uint64_t>());
  }
  LogPosition position() {
    const auto term = id<Term>();
    return {term, id<Index>()};
  }
  ByteView bytes(std::size_t size) {
    if (!ok_ || left_.size() < size) {
      ok_ = false;
      return {};
    }
    const ByteView field = left_.first(size);
    left_ = left_.subspan(size);
    return field;
  }

 private:
  ByteView left_;
  bool ok_ = true;
};

// Whether the last 8 of `bytes` are the checksum of those before.
[[nodiscard]] inline bool checks_out(ByteView bytes, std::uint64_t seed) {
  if (bytes.size() < sizeof(std::uint64_t)) return false;
  const std::size_t checked = bytes.size() - sizeof(std::uint64_t);
  return wire::load<std::uint64_t>(bytes.data() + checked) == wire::checksum_of(bytes.first(checked), seed);
}

}  // namespace keel
