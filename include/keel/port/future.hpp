#pragma once

#include <future>
#include <optional>
#include <utility>

#include "keel/port/completion.hpp"

namespace keel {

// For callers on threads of their own: `auto [done, future] = make_future<Applied>();`, hand over `done`, wait on
// `future`. Never wait on the executor's thread: nobody would be left to answer. A completion that is destroyed uncalled
// (its executor went away) ends the future with `failed`, whose outcome is unknown; so `get` never throws.
template <class T>
[[nodiscard]] std::pair<Completion<T>, std::future<Result<T>>> make_future() {
  class Answer {
   public:
    Answer() = default;
    Answer(Answer&& other) noexcept : promise_(std::exchange(other.promise_, std::nullopt)) {}
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
      if (promise_) set(fail(ErrorCode::failed, "dropped without an answer: the executor that owed it is gone"));
    }
    void set(Result<T> result) { std::exchange(promise_, std::nullopt)->set_value(std::move(result)); }
    std::future<Result<T>> future() { return promise_->get_future(); }

   private:
    std::optional<std::promise<Result<T>>> promise_{std::in_place};
  };

  Answer answer;
  auto future = answer.future();
  return {[answer = std::move(answer)](Result<T> result) mutable { answer.set(std::move(result)); }, std::move(future)};
}

}  // namespace keel
