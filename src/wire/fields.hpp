#pragma once

#include <span>
#include <string>
#include <type_traits>

#include "keel/base/assert.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/raft/message.hpp"
#include "wire/bytes.hpp"
#include "wire/error_code.hpp"

namespace keel::wire {

// Writer and Reader visit a value's fields in the order in which one function, `fields(io, value)`, names them for both.
// That function takes `Of<Body> auto&`: a Body to be read or a const one to be written.
template <class T, class Body>
concept Of = std::same_as<std::remove_const_t<T>, Body>;

// Writes fields from `at` on, where there is room for all of them.
class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}
  [[nodiscard]] std::byte* at() const { return at_; }

  template <class... Fields>
  void operator()(const Fields&... values) {
    (put(values), ...);
  }

 private:
  template <std::unsigned_integral T>
    requires(!std::is_same_v<T, bool>)
  void put(T value) {
    store(at_, value);
    at_ += sizeof value;
  }
  void put(bool value) { put(static_cast<std::uint8_t>(value)); }
  template <class Tag>
  void put(Number<Tag> value) {
    put(value.value());
  }
  template <class Tag>
  void put(Ordinal<Tag> value) {
    put(value.value());
  }
  void put(const LogPosition& value) {
    put(value.term);
    put(value.index);
  }
  void put(Duration value) {
    KEEL_ASSERT(value >= Duration::zero(), "no message carries a negative duration");
    put(static_cast<std::uint64_t>(value.count()));
  }
  void put(Refusal value) { put(static_cast<std::uint8_t>(value)); }
  void put(EntryKind value) { put(static_cast<std::uint8_t>(value)); }
  void put(ErrorCode value) { put(number_of(value)); }
  void put(const std::string& value) {
    put(static_cast<std::uint16_t>(value.size()));
    copy_bytes(at_, std::as_bytes(std::span(value)));
    at_ += value.size();
  }

  std::byte* at_;
};

// Reads fields. Once a field does not fit or cannot be, `ok` is false for good and what was read means nothing.
class Reader {
 public:
  explicit Reader(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const std::byte* at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  template <class... Fields>
  void operator()(Fields&... values) {
    (take(values), ...);
  }
  void skip(std::size_t size) { at_ += size; }  // of what is left

 private:
  void refuse() { ok_ = false; }
  template <std::unsigned_integral T>
    requires(!std::is_same_v<T, bool>)
  void take(T& value) {
    if (!ok_ || left() < sizeof value) return refuse();
    value = load<T>(at_);
    at_ += sizeof value;
  }
  void take(bool& value) {
    std::uint8_t byte = 0;
    take(byte);
    if (byte > 1) return refuse();
    value = byte == 1;
  }
  template <class Tag>
  void take(Number<Tag>& value) {
    std::uint64_t number = 0;
    take(number);
    value = Number<Tag>(number);
  }
  template <class Tag>
  void take(Ordinal<Tag>& value) {
    std::uint64_t number = 0;
    take(number);
    value = Ordinal<Tag>(number);
  }
  void take(LogPosition& value) {
    take(value.term);
    take(value.index);
  }
  void take(Duration& value) {
    std::uint64_t number = 0;
    take(number);
    if (number > static_cast<std::uint64_t>(Duration::max().count())) return refuse();
    value = Duration(static_cast<std::int64_t>(number));
  }
  void take(Refusal& value) {
    std::uint8_t number = 0;
    take(number);
    if (number > static_cast<std::uint8_t>(Refusal::not_ready)) return refuse();
    value = static_cast<Refusal>(number);
  }
  void take(EntryKind& value) {  // any but 0: kinds that this build does not know are kept too
    std::uint8_t number = 0;
    take(number);
    if (number == 0) return refuse();
    value = static_cast<EntryKind>(number);
  }
  void take(ErrorCode& value) {
    std::uint8_t number = 0;
    take(number);
    const auto code = error_code_of(number);
    if (!code) return refuse();
    value = *code;
  }
  void take(std::string& value) {
    std::uint16_t size = 0;
    take(size);
    if (!ok_ || left() < size) return refuse();
    value.assign(reinterpret_cast<const char*>(at_), size);
    at_ += size;
  }

  const std::byte* at_;
  const std::byte* end_;
  bool ok_ = true;
};

}  // namespace keel::wire
