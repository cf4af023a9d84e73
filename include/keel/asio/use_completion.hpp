#pragma once

#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include "keel/asio/executor.hpp"
#include "keel/port/completion.hpp"

namespace keel {

// Any call of Keel's that takes a Completion<T>, as an asynchronous operation of Asio's with the signature
// void(Result<T>): for callbacks, futures, and coroutines.
//
//   const auto submit = [&](Completion<Applied> done) { node.submit(command, {}, std::move(done)); };
//   Result<Applied> applied = co_await use_completion<Applied>(executor, submit, boost::asio::use_awaitable);
//
// `call` runs on `executor`, at once; so this, too, is to be called there. The handler is posted to its own executor
// (the coroutine's; by default the loop of `executor`), also when `call` completes at once.
//
// GCC 12 destroys twice an aggregate that is a temporary in a co_await expression, such as `{.context = c}` written
// between its parentheses: give options a name first, as above, and capture them.
template <class T, class Call, class Token>
auto use_completion(AsioExecutor& executor, Call&& call, Token&& token) {
  const auto loop = executor.context().get_executor();
  return boost::asio::async_initiate<Token, void(Result<T>)>(
      [loop](auto handler, auto start) {
        auto target = boost::asio::prefer(boost::asio::get_associated_executor(handler, loop),
                                          boost::asio::execution::outstanding_work.tracked);
        start(Completion<T>([target, handler = std::move(handler)](Result<T> result) mutable {
          const auto last_use = std::move(target);  // a completion that was called keeps no loop running
          boost::asio::post(last_use, [handler = std::move(handler), result = std::move(result)]() mutable {
            std::move(handler)(std::move(result));
          });
        }));
      },
      token, std::forward<Call>(call));
}

}  // namespace keel
