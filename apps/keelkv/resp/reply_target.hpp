#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "keelkv/resp/resp_writer.hpp"

namespace keel {

// Bytes of replies that were made and not yet taken by whom they are for.
struct ReplyRoom {
  std::size_t limit = 0;
  std::size_t used = 0;
  [[nodiscard]] std::size_t left() const { return limit - std::min(limit, used); }
};

// Whom a command's reply is for: the context that goes with it. Where it is applied without one, nobody waits, and no
// reply is made. One for each client; `all` is shared by those of a node.
class ReplyTarget {
 public:
  ReplyTarget(RespVersion version, std::size_t limit, std::shared_ptr<ReplyRoom> all)
      : version_(version), own_{.limit = limit}, all_(std::move(all)) {}
  ~ReplyTarget() { all_->used -= own_.used; }
  ReplyTarget(const ReplyTarget&) = delete;
  ReplyTarget& operator=(const ReplyTarget&) = delete;

  [[nodiscard]] RespVersion version() const { return version_; }
  // What the next reply may take. One that would take more is left empty.
  [[nodiscard]] std::size_t room() const { return std::min(own_.left(), all_->left()); }
  void made(std::size_t bytes) {
    own_.used += bytes;
    all_->used += bytes;
  }
  void taken(std::size_t bytes) {
    own_.used -= bytes;
    all_->used -= bytes;
  }

  // For the commands to come.
  void update(RespVersion version, std::size_t limit) {
    version_ = version;
    own_.limit = limit;
  }

 private:
  RespVersion version_;
  ReplyRoom own_;
  std::shared_ptr<ReplyRoom> all_;
};

}  // namespace keel
