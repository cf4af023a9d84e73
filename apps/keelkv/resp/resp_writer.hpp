#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace keel {

enum class RespVersion : std::uint8_t { resp2 = 2, resp3 = 3 };

// Appends one reply, value by value, to a buffer, in either version of the protocol: what only RESP3 has becomes what
// RESP2 clients expect in its place. A value that would take the buffer past `max_bytes` is left out, and all behind it, and
// `overflowed` says so: the buffer then holds no whole reply. With `max_bytes` 0 nothing is taken.
class RespWriter {
 public:
  RespWriter(std::string& out, RespVersion version, std::size_t max_bytes = std::numeric_limits<std::size_t>::max())
      : out_(out), max_bytes_(max_bytes), version_(version) {}

  void ok() { status("OK"); }
  void status(std::string_view text);  // no line end in it
  // `text` begins with the error's word (ERR, WRONGTYPE, ...). Line ends in it become spaces.
  void error(std::string_view text);
  void integer(std::int64_t value);
  void bulk(std::string_view bytes);
  void text(std::string_view lines);  // for people: verbatim in RESP3
  void number(double value);
  void null();
  void null_array();
  // The values follow.
  void array(std::size_t size) { header('*', size); }
  void set(std::size_t size) { header(version_ == RespVersion::resp3 ? '~' : '*', size); }
  void map(std::size_t pairs);

  // Of two values each: an array in RESP3, and in RESP2 nothing, because there they stand in the array around them.
  void pair() {
    if (version_ == RespVersion::resp3) array(2);
  }
  // An array of `pairs`.
  void array_of_pairs(std::size_t pairs) { array(version_ == RespVersion::resp3 ? pairs : 2 * pairs); }

  [[nodiscard]] RespVersion version() const { return version_; }
  void use(RespVersion version) { version_ = version; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  bool fits(std::size_t bytes);
  void header(char type, std::uint64_t number);
  void blob(char type, std::string_view prefix, std::string_view bytes);

  std::string& out_;
  std::size_t max_bytes_;
  RespVersion version_;
  bool overflowed_ = false;
};

}  // namespace keel
