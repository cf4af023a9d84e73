#include "node/drain.hpp"

namespace keel {

void Drain::run() {
  if (next_ == running_.size()) {
    running_.clear();
    next_ = 0;
    running_.swap(owed_);
  }
  while (next_ < running_.size()) {
    Owed owed = std::move(running_[next_++]);  // a nested run goes on behind it
    try {
      std::visit([](auto& call) { call(); }, owed);
    } catch (...) {
      ++caught_;
    }
  }
}

void Drain::run_all() {
  do {
    run();
  } while (!owed_.empty());
}

}  // namespace keel
