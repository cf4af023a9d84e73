#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace keel {

// Replies that come when they come and leave in the order of their requests.
class ReplyQueue {
 public:
  using Place = std::uint64_t;

  // The next place in the order.
  Place open() {
    waiting_.emplace_back();
    return first_ + waiting_.size() - 1;
  }

  // The reply for `place`. Appends to `out` all that need wait no longer.
  void finish(Place place, std::string reply, std::string& out) {
    if (place != first_) {
      bytes_ += reply.size();
      waiting_[place - first_] = std::move(reply);
      return;
    }
    out.append(reply);
    pop();
    for (; !waiting_.empty() && waiting_.front(); pop()) {
      bytes_ -= waiting_.front()->size();
      out.append(*waiting_.front());
    }
  }

  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t memory() const { return bytes_ + waiting_.size() * sizeof(waiting_.front()); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

 private:
  void pop() {
    waiting_.pop_front();
    ++first_;
  }

  Place first_ = 0;  // of the front of `waiting_`
  std::deque<std::optional<std::string>> waiting_;
  std::size_t bytes_ = 0;  // of the replies in there
};

}  // namespace keel
