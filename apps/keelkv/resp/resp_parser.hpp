#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keel {

// What one request may be; past it the connection ends with a protocol error.
struct RespLimits {
  std::size_t max_bulk_bytes = 64u << 20;
  std::size_t max_request_bytes = 128u << 20;  // all of it, as it came
  std::size_t max_arguments = 1u << 20;
  std::size_t max_inline_bytes = 64u << 10;
};

// Reads one request at a time from the bytes that a client sent: an array of bulk strings, or an inline command. It
// keeps no copy of them: arguments are views into the caller's buffer. It goes on where it stopped, so that a request
// which comes in many pieces is read once; and it allocates by what has come, never by what a count promises.
class RespParser {
 public:
  enum class Status : std::uint8_t { incomplete, complete, broken };

  explicit RespParser(const RespLimits& limits) : limits_(limits) {}

  // `input` begins with the first byte of the request and holds at least what it held at the last call. When this
  // answers `complete`, `args` and `consumed` are good while the buffer is, until `next`. After `broken` there is no
  // way to tell where another request would begin.
  Status parse(std::string_view input);
  // Nothing but an empty line or array came when there are none: no request, and no answer.
  [[nodiscard]] std::span<const std::string_view> args() const { return args_; }
  [[nodiscard]] std::size_t consumed() const { return position_; }
  // In Redis's words.
  [[nodiscard]] const std::string& error() const { return error_; }

  [[nodiscard]] std::size_t memory() const {
    return pieces_.capacity() * sizeof(Piece) + args_.capacity() * sizeof(std::string_view) + unquoted_.capacity();
  }

  // Whether the client is a stranger, who may send only what it takes to sign in.
  void restrict(bool stranger) { stranger_ = stranger; }

  // Forgets the request: the next `parse` begins a new one.
  void next();

 private:
  struct Piece {
    std::size_t offset;
    std::size_t size;
  };
  enum class Number : std::uint8_t { incomplete, complete, invalid };

  Status parse_inline(std::string_view input);
  Status parse_array(std::string_view input);
  Number read_number(std::string_view input, std::int64_t& value, std::size_t& end) const;
  Status finish_array(std::string_view input);
  Status broken(std::string error);
  bool split_line(std::string_view line);

  RespLimits limits_;
  Status status_ = Status::incomplete;
  bool stranger_ = false;
  bool counted_ = false;       // the array's header has been read
  std::size_t expected_ = 0;   // arguments still to come
  std::size_t position_ = 0;   // what is read, in bytes from the request's start
  std::vector<Piece> pieces_;  // arguments read so far
  std::vector<std::string_view> args_;
  std::string unquoted_;  // where an inline command's arguments lie
  std::string error_;
};

}  // namespace keel
