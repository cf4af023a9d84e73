#include "keelkv/resp/command_bytes.hpp"

#include <optional>

#include <fmt/format.h>

namespace keel {

namespace {

using Kind = DecodedEntry::Kind;

constexpr std::size_t kept_words = 1u << 12;  // memory for more is given back when the next entry comes

void append_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

// Takes a number off the front. None if it does not end, is longer than it need be (each entry has one spelling), or
// does not fit into 64 bits.
std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte == 0 && shift > 0) return std::nullopt;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// As many things as there are, each of a byte at least, cannot be more than the bytes that are left.
std::optional<std::size_t> take_count(std::string_view& bytes) {
  const auto count = take_number(bytes);
  return count && *count <= bytes.size() ? count : std::nullopt;
}

std::optional<std::string_view> take_text(std::string_view& bytes) {
  const auto size = take_count(bytes);
  if (!size) return std::nullopt;
  const std::string_view text = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return text;
}

void begin(std::string& out, Kind kind) { out.assign(1, static_cast<char>(kind)); }

}  // namespace

void encode_command(std::span<const std::string_view> args, std::string& out) {
  begin(out, Kind::command);
  append_queued(args, out);
}

void encode_transaction(std::span<const WatchedKey> watched, std::size_t count, std::string_view commands,
                        std::string& out) {
  begin(out, Kind::transaction);
  append_number(out, watched.size());
  for (const WatchedKey& key : watched) {
    append_text(out, key.key);
    append_number(out, key.unchanged_since.value());
  }
  append_number(out, count);
  out.append(commands);
}

void encode_time(std::string& out) { begin(out, Kind::time); }

void append_queued(std::span<const std::string_view> args, std::string& commands) {
  append_number(commands, args.size());
  for (const std::string_view arg : args)
    append_text(commands, arg);
}

Result<void> DecodedEntry::decode(ByteView entry) {
  if (words_.capacity() > kept_words) {
    words_ = std::vector<std::string_view>();
    ends_ = std::vector<std::size_t>();
  }
  if (watched_.capacity() > kept_words) watched_ = std::vector<WatchedKey>();
  words_.clear();
  ends_.clear();
  watched_.clear();
  std::string_view bytes(reinterpret_cast<const char*>(entry.data()), entry.size());
  if (bytes.empty()) return fail(ErrorCode::corrupt, "a command without bytes");
  const auto kind = static_cast<unsigned char>(bytes.front());
  if (kind < static_cast<unsigned>(Kind::command) || kind > static_cast<unsigned>(Kind::time)) {
    return fail(ErrorCode::wrong_version, fmt::format("a command of kind {}; this build knows kinds 1 to 3", kind));
  }
  kind_ = static_cast<Kind>(kind);
  bytes.remove_prefix(1);
  std::optional<std::size_t> count = kind_ == Kind::time ? 0 : 1;
  if (kind_ == Kind::transaction) {
    if (auto taken = take_watched(bytes); !taken) return taken;
    count = take_count(bytes);
    if (!count) return fail(ErrorCode::corrupt, "a transaction's number of commands");
  }
  for (std::size_t i = 0; i < *count; ++i) {
    if (auto taken = take_command(bytes); !taken) return taken;
  }
  if (!bytes.empty()) return fail(ErrorCode::corrupt, fmt::format("{} bytes behind a command", bytes.size()));
  return {};
}

Result<void> DecodedEntry::take_watched(std::string_view& bytes) {
  const auto count = take_count(bytes);
  if (!count) return fail(ErrorCode::corrupt, "a transaction's number of watched keys");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto key = take_text(bytes);
    const auto index = key ? take_number(bytes) : std::nullopt;
    if (!index) return fail(ErrorCode::corrupt, fmt::format("a transaction's watched key {}", i));
    watched_.push_back({*key, Index(*index)});
  }
  return {};
}

Result<void> DecodedEntry::take_command(std::string_view& bytes) {
  const auto count = take_count(bytes);
  if (!count || *count == 0) return fail(ErrorCode::corrupt, "a command's argument count");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto word = take_text(bytes);
    if (!word) return fail(ErrorCode::corrupt, fmt::format("size of a command's argument {}", i));
    words_.push_back(*word);
  }
  ends_.push_back(words_.size());
  return {};
}

}  // namespace keel
