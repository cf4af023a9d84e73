#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/ids.hpp"
#include "keel/base/payload.hpp"

namespace keel {

// What keelkv puts into a log entry. The first byte says which of three it is:
//
//   1  a command: the number of its arguments, then each argument's size and bytes
//   2  a transaction: the number of watched keys, then each key's size and bytes and the index since which it must not
//      have changed; the number of commands, then each as behind a 1
//   3  nothing: the entry only brings the time that entries carry
//
// Numbers are LEB128, as short as they can be. Part of the disk format.

struct WatchedKey {
  std::string_view key;
  Index unchanged_since;
};

// Each replaces what is in `out`.
void encode_command(std::span<const std::string_view> args, std::string& out);
// `commands` are as `append_queued` made them, `count` of them.
void encode_transaction(std::span<const WatchedKey> watched, std::size_t count, std::string_view commands,
                        std::string& out);
void encode_time(std::string& out);
void append_queued(std::span<const std::string_view> args, std::string& commands);

// An entry, taken apart. Made to be used again for the next.
class DecodedEntry {
 public:
  enum class Kind : std::uint8_t { command = 1, transaction = 2, time = 3 };

  // What it holds afterwards are views into `entry`, which may be anything. Errors: `corrupt`, `wrong_version`.
  [[nodiscard]] Result<void> decode(ByteView entry);

  [[nodiscard]] Kind kind() const { return kind_; }
  // A command is one, a transaction any number, a time none. Each has at least one argument.
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  [[nodiscard]] std::span<const std::string_view> command(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::span(words_).subspan(begin, ends_[i] - begin);
  }
  [[nodiscard]] std::span<const WatchedKey> watched() const { return watched_; }

 private:
  Result<void> take_watched(std::string_view& bytes);
  Result<void> take_command(std::string_view& bytes);

  Kind kind_ = Kind::time;
  std::vector<std::string_view> words_;  // of all commands
  std::vector<std::size_t> ends_;        // where each command's words end
  std::vector<WatchedKey> watched_;
};

}  // namespace keel
