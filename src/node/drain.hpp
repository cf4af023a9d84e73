#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "keel/node/node.hpp"

namespace keel {

using AppendedCallback = std::move_only_function<void(LogPosition)>;

// What is owed to callers: gathered while a turn's work is done, handed over together behind it, in order. So nothing
// of a caller's ever runs inside a call of its own, nor in the middle of ours.
class Drain {
 public:
  template <class T>
  void owe(Completion<T> done, Result<T> result) {
    owed_.emplace_back(Answer<T>{std::move(done), std::move(result)});
  }
  void owe(AppendedCallback appended, LogPosition position) {
    owed_.emplace_back(Notice{std::move(appended), position});
  }
  [[nodiscard]] bool empty() const { return owed_.empty(); }

  // Hands over what is owed now. What callers ask for meanwhile is owed in the next turn, or one that asks again
  // whenever it is refused would hold up the loop for ever.
  void run();
  // Everything, also what a `run` further up the stack has not come to yet.
  void run_all();

  // Exceptions that came out of callers' completions.
  [[nodiscard]] std::uint64_t caught() const { return caught_; }

 private:
  template <class T>
  struct Answer {
    Completion<T> done;
    Result<T> result;
    void operator()() { done(std::move(result)); }
  };
  struct Notice {
    AppendedCallback appended;
    LogPosition position;
    void operator()() { appended(position); }
  };
  using Owed = std::variant<Answer<Applied>, Answer<Index>, Answer<void>, Notice>;

  std::vector<Owed> owed_;
  std::vector<Owed> running_;
  std::size_t next_ = 0;  // of running_
  std::uint64_t caught_ = 0;
};

}  // namespace keel
