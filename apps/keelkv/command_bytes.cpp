#include "keelkv/command_bytes.hpp"

#include <optional>

#include <fmt/format.h>

namespace keel {

namespace {

constexpr char command_version = 1;

void append_number(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes a number off the front. None if it does not end, is longer than it need be (each command has one spelling), or
// does not fit into 35 bits, far beyond what an entry holds.
std::optional<std::size_t> take_number(std::string_view& bytes) {
  std::size_t value = 0;
  for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte == 0 && shift > 0) return std::nullopt;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace

void encode_command(std::span<const std::string_view> args, std::string& out) {
  out.clear();
  out.push_back(command_version);
  append_number(out, args.size());
  for (const std::string_view arg : args) {
    append_number(out, arg.size());
    out.append(arg);
  }
}

Result<void> decode_command(ByteView entry, std::vector<std::string_view>& args) {
  args.clear();
  std::string_view bytes(reinterpret_cast<const char*>(entry.data()), entry.size());
  if (bytes.empty()) return fail(ErrorCode::corrupt, "a command without bytes");
  if (bytes.front() != command_version) {
    return fail(ErrorCode::wrong_version, fmt::format("a command of version {}; this build reads version {}",
                                                      static_cast<unsigned char>(bytes.front()), int{command_version}));
  }
  bytes.remove_prefix(1);
  const auto count = take_number(bytes);
  if (!count || *count == 0 || *count > bytes.size()) return fail(ErrorCode::corrupt, "a command's argument count");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto size = take_number(bytes);
    if (!size || *size > bytes.size())
      return fail(ErrorCode::corrupt, fmt::format("size of a command's argument {}", i));
    args.push_back(bytes.substr(0, *size));
    bytes.remove_prefix(*size);
  }
  if (!bytes.empty()) return fail(ErrorCode::corrupt, fmt::format("{} bytes behind a command", bytes.size()));
  return {};
}

}  // namespace keel
