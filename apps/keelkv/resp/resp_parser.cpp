#include "keelkv/resp/resp_parser.hpp"

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "keelkv/data/release.hpp"

namespace keel {

namespace {

constexpr std::size_t max_number_bytes = 20;  // of a 64-bit integer with its sign
constexpr std::size_t kept_arguments = 1024;  // memory for more, or for so many unquoted bytes, is given back after it
constexpr std::int64_t max_stranger_arguments = 10;
constexpr std::int64_t max_stranger_bulk = 16384;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

// Reads a quoted argument that begins at `i` (the quote) of `line`, to `out`. In double quotes \n \r \t \b \a \xHH and
// any other escaped character are known; in single quotes only \'. False when the quote does not end, or when
// something other than a space follows it.
bool unquote(std::string_view line, std::size_t& i, std::string& out) {
  const char quote = line[i++];
  for (; i < line.size(); ++i) {
    if (line[i] == quote) {
      ++i;
      return i == line.size() || is_space(line[i]);
    }
    if (line[i] != '\\' || i + 1 == line.size()) {
      out.push_back(line[i]);
    } else if (quote == '\'') {
      if (line[i + 1] == '\'') ++i;
      out.push_back(line[i]);
    } else if (line[i + 1] == 'x' && i + 3 < line.size() && hex_value(line[i + 2]) >= 0 &&
               hex_value(line[i + 3]) >= 0) {
      out.push_back(static_cast<char>(hex_value(line[i + 2]) * 16 + hex_value(line[i + 3])));
      i += 3;
    } else {
      out.push_back(unescaped(line[++i]));
    }
  }
  return false;
}

}  // namespace

RespParser::Status RespParser::parse(std::string_view input) {
  if (status_ != Status::incomplete || input.empty()) return status_;
  status_ = counted_ || input.front() == '*' ? parse_array(input) : parse_inline(input);
  return status_;
}

void RespParser::next() {
  status_ = Status::incomplete;
  counted_ = false;
  position_ = 0;
  if (pieces_.capacity() > kept_arguments) pieces_ = {};
  if (args_.capacity() > kept_arguments) args_ = {};
  if (unquoted_.capacity() > kept_arguments) release(unquoted_);
  pieces_.clear();
  args_.clear();
}

RespParser::Status RespParser::broken(std::string error) {
  error_ = std::move(error);
  return Status::broken;
}

RespParser::Status RespParser::parse_inline(std::string_view input) {
  const std::size_t end = input.find('\n', position_);
  if (end == std::string_view::npos ? input.size() > limits_.max_inline_bytes : end > limits_.max_inline_bytes) {
    return broken("Protocol error: too big inline request");
  }
  if (end == std::string_view::npos) {
    position_ = input.size();
    return Status::incomplete;
  }
  position_ = end + 1;
  if (!split_line(input.substr(0, end))) return broken("Protocol error: unbalanced quotes in request");
  return Status::complete;
}

// Splits at white space; an argument may be quoted as a whole or, as Redis has it, from some character on.
bool RespParser::split_line(std::string_view line) {
  unquoted_.clear();
  unquoted_.reserve(line.size());  // an argument is never longer than its source, so the views below stay good
  std::size_t i = 0;
  while (true) {
    while (i < line.size() && is_space(line[i]))
      ++i;
    if (i == line.size()) return true;
    const std::size_t start = unquoted_.size();
    while (i < line.size() && !is_space(line[i])) {
      if (line[i] == '"' || line[i] == '\'') {
        if (!unquote(line, i, unquoted_)) return false;
      } else {
        unquoted_.push_back(line[i++]);
      }
    }
    args_.emplace_back(unquoted_.data() + start, unquoted_.size() - start);
  }
}

// A count and its line end, behind the type's character at `position_`.
RespParser::Number RespParser::read_number(std::string_view input, std::int64_t& value, std::size_t& end) const {
  const std::string_view rest = input.substr(position_ + 1);
  const std::size_t line = rest.substr(0, max_number_bytes + 1).find('\r');
  if (line == std::string_view::npos) return rest.size() > max_number_bytes ? Number::invalid : Number::incomplete;
  const std::string_view digits = rest.substr(0, line);
  const auto [rest_of_digits, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || rest_of_digits != digits.data() + digits.size()) return Number::invalid;
  if (line + 1 == rest.size()) return Number::incomplete;
  if (rest[line + 1] != '\n') return Number::invalid;
  end = position_ + 1 + line + 2;
  return Number::complete;
}

RespParser::Status RespParser::parse_array(std::string_view input) {
  std::int64_t count = 0;
  std::size_t end = 0;
  if (!counted_) {
    const Number header = read_number(input, count, end);
    if (header == Number::incomplete) return Status::incomplete;
    if (header == Number::invalid || count > static_cast<std::int64_t>(limits_.max_arguments)) {
      return broken("Protocol error: invalid multibulk length");
    }
    if (stranger_ && count > max_stranger_arguments) return broken("Protocol error: unauthenticated multibulk length");
    counted_ = true;
    expected_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    position_ = end;
  }
  while (pieces_.size() < expected_) {
    if (position_ == input.size()) return Status::incomplete;
    if (input[position_] != '$') {
      return broken(fmt::format("Protocol error: expected '$', got '{}'", input[position_]));
    }
    const Number header = read_number(input, count, end);
    if (header == Number::incomplete) return Status::incomplete;
    if (header == Number::invalid || count < 0 || count > static_cast<std::int64_t>(limits_.max_bulk_bytes)) {
      return broken("Protocol error: invalid bulk length");
    }
    if (stranger_ && count > max_stranger_bulk) return broken("Protocol error: unauthenticated bulk length");
    const auto size = static_cast<std::size_t>(count);
    if (end + size + 2 > limits_.max_request_bytes) {
      return broken(fmt::format("Protocol error: request larger than {} bytes", limits_.max_request_bytes));
    }
    if (input.size() < end + size + 2) return Status::incomplete;
    if (input[end + size] != '\r' || input[end + size + 1] != '\n') {
      return broken("Protocol error: expected a line end behind a bulk string");
    }
    pieces_.push_back({end, size});
    position_ = end + size + 2;
  }
  return finish_array(input);
}

RespParser::Status RespParser::finish_array(std::string_view input) {
  for (const Piece& piece : pieces_)
    args_.push_back(input.substr(piece.offset, piece.size));
  return Status::complete;
}

}  // namespace keel
