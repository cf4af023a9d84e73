#include "keelkv/resp_writer.hpp"

#include <charconv>

#include "keel/base/assert.hpp"

namespace keel {

namespace {

constexpr std::size_t value_overhead = 1 + 20 + 2 + 2;  // type, number, line ends: at most

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// The number in a value's first line, behind its type.
std::size_t size_in(std::string_view line) {
  std::size_t size = 0;
  const char* const end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data(), end, size);
  KEEL_ASSERT(parsed.ec == std::errc{} && parsed.ptr == end, "a reply of our own has well-formed sizes");
  return size;
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

void RespWriter::null() {
  if (fits(0)) out_.append(version_ == RespVersion::resp3 ? "_\r\n" : "$-1\r\n");
}

void RespWriter::map(std::size_t pairs) {
  if (version_ == RespVersion::resp3) return header('%', pairs);
  header('*', 2 * pairs);
}

// A reply is a run of values: an array's come right behind its header. So each is rewritten by itself, however deep.
void append_reply(std::string& out, std::string_view resp3, RespVersion version) {
  const char first = resp3.empty() ? '\0' : resp3.front();
  const bool same_in_both = first == '+' || first == '-' || first == ':' || first == '$';
  if (same_in_both || version == RespVersion::resp3) {
    out.append(resp3);
    return;
  }
  RespWriter writer(out, version);
  while (!resp3.empty()) {
    const std::size_t line_end = resp3.find("\r\n");
    KEEL_ASSERT(line_end != std::string_view::npos, "a reply of our own ends its lines");
    const std::string_view line = resp3.substr(1, line_end - 1);
    std::size_t used = line_end + 2;
    switch (resp3.front()) {
      case '_': writer.null(); break;
      case '~': writer.array(size_in(line)); break;
      case '%': writer.map(size_in(line)); break;
      case '$':
      case '=': {
        const std::string_view bytes = resp3.substr(used, size_in(line));
        writer.bulk(resp3.front() == '=' ? bytes.substr(4) : bytes);
        used += bytes.size() + 2;
        break;
      }
      default: out.append(resp3.substr(0, used));  // the same in both: + - : *
    }
    resp3.remove_prefix(used);
  }
}

}  // namespace keel
