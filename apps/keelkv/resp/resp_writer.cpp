#include "keelkv/resp/resp_writer.hpp"

#include <charconv>

#include "keelkv/data/numbers.hpp"

namespace keel {

namespace {

constexpr std::size_t value_overhead = 1 + 20 + 2 + 2;  // type, number, line ends: at most

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace

// `bytes`: what a value has beside its type, a number and line ends.
bool RespWriter::fits(std::size_t bytes) {
  overflowed_ = overflowed_ || out_.size() + bytes + value_overhead > max_bytes_;
  return !overflowed_;
}

void RespWriter::header(char type, std::uint64_t number) {
  if (!fits(0)) return;
  out_.push_back(type);
  append_number(out_, static_cast<std::int64_t>(number));
  out_.append("\r\n");
}

void RespWriter::status(std::string_view text) {
  if (!fits(text.size())) return;
  out_.push_back('+');
  out_.append(text);
  out_.append("\r\n");
}

void RespWriter::error(std::string_view text) {
  if (!fits(text.size())) return;
  out_.push_back('-');
  for (const char c : text)
    out_.push_back(c == '\r' || c == '\n' ? ' ' : c);
  out_.append("\r\n");
}

void RespWriter::integer(std::int64_t value) { header(':', static_cast<std::uint64_t>(value)); }

void RespWriter::bulk(std::string_view bytes) { blob('$', {}, bytes); }

void RespWriter::text(std::string_view lines) {
  if (version_ == RespVersion::resp2) return bulk(lines);
  blob('=', "txt:", lines);
}

void RespWriter::blob(char type, std::string_view prefix, std::string_view bytes) {
  if (!fits(prefix.size() + bytes.size())) return;
  header(type, prefix.size() + bytes.size());
  out_.append(prefix);
  out_.append(bytes);
  out_.append("\r\n");
}

void RespWriter::number(double value) {
  const std::string text = to_text(value);
  if (version_ == RespVersion::resp2) return bulk(text);
  if (!fits(text.size())) return;
  out_.push_back(',');
  out_.append(text);
  out_.append("\r\n");
}

void RespWriter::null() {
  if (fits(0)) out_.append(version_ == RespVersion::resp3 ? "_\r\n" : "$-1\r\n");
}

void RespWriter::null_array() {
  if (fits(0)) out_.append(version_ == RespVersion::resp3 ? "_\r\n" : "*-1\r\n");
}

void RespWriter::map(std::size_t pairs) {
  if (version_ == RespVersion::resp3) return header('%', pairs);
  header('*', 2 * pairs);
}

}  // namespace keel
