#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/ids.hpp"
#include "keelkv/data/release.hpp"
#include "keelkv/resp/command_bytes.hpp"

namespace keel {

// What a connection watches, and what it has gathered since MULTI.
class KvTransaction {
 public:
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool is_broken() const { return broken_; }
  void open() { open_ = true; }
  // It cannot be carried out any more: EXEC will say so.
  void spoil() { broken_ = open_; }
  void queue(std::span<const std::string_view> args) {
    append_queued(args, commands_);
    ++count_;
  }
  // The key as it was at `index`; a key that is watched already stays as it is.
  void watch(std::string_view key, Index index) {
    if (watched_.try_emplace(std::string(key), index).second) watched_bytes_ += key.size() + watch_overhead;
  }
  void unwatch() {
    watched_.clear();
    watched_bytes_ = 0;
  }
  void clear() {
    open_ = broken_ = false;
    count_ = 0;
    release(commands_);
    unwatch();
  }

  void encode(std::string& out) const {
    std::vector<WatchedKey> keys;
    keys.reserve(watched_.size());
    for (const auto& [key, index] : watched_)
      keys.push_back({key, index});
    encode_transaction(keys, count_, commands_, out);
  }

  // Commands, or -1 when there is no transaction.
  [[nodiscard]] std::int64_t queued() const { return open_ ? static_cast<std::int64_t>(count_) : -1; }
  [[nodiscard]] std::size_t queued_bytes() const { return commands_.size(); }
  [[nodiscard]] std::size_t memory() const { return commands_.capacity() + watched_bytes_; }

 private:
  static constexpr std::size_t watch_overhead = 64;

  bool open_ = false;
  bool broken_ = false;
  std::size_t count_ = 0;
  std::string commands_;
  std::map<std::string, Index> watched_;
  std::size_t watched_bytes_ = 0;
};

}  // namespace keel
