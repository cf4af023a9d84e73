#include "keel/asio/use_completion.hpp"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "asio_loop.hpp"
#include "keel/port/future.hpp"

namespace keel {
namespace {

using test::run_until;

// Something that answers later, as a node does.
class Server {
 public:
  explicit Server(AsioExecutor& executor) : executor_(executor) {}
  void answer(Result<std::string> result, Completion<std::string> done) {
    executor_.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
  }

 private:
  AsioExecutor& executor_;
};

class UseCompletion : public testing::Test {
 protected:
  boost::asio::io_context context_;
  AsioExecutor executor_{context_};
  Server server_{executor_};
};

boost::asio::awaitable<void> ask_twice(AsioExecutor& executor, Server& server,
                                       std::vector<Result<std::string>>& answers) {
  const auto good = [&](Completion<std::string> done) { server.answer("yes", std::move(done)); };
  answers.push_back(co_await use_completion<std::string>(executor, good, boost::asio::use_awaitable));
  const auto bad = [&](Completion<std::string> done) {
    server.answer(fail(ErrorCode::no_leader, "nobody leads"), std::move(done));
  };
  answers.push_back(co_await use_completion<std::string>(executor, bad, boost::asio::use_awaitable));
}

TEST_F(UseCompletion, ACoroutineAwaitsValueAndError) {
  std::vector<Result<std::string>> answers;
  boost::asio::co_spawn(context_, ask_twice(executor_, server_, answers), boost::asio::detached);
  ASSERT_TRUE(run_until(context_, [&] { return answers.size() == 2; }));
  EXPECT_EQ(answers[0], "yes");
  ASSERT_FALSE(answers[1].has_value());
  EXPECT_EQ(answers[1].error().code, ErrorCode::no_leader);
}

boost::asio::awaitable<void> ask_at_once(AsioExecutor& executor, int rounds, int& answered) {
  const auto at_once = [](Completion<void> done) { done({}); };
  for (int i = 0; i < rounds; ++i) {
    const Result<void> result = co_await use_completion<void>(executor, at_once, boost::asio::use_awaitable);
    if (result) ++answered;
  }
}

// Many in a row, so that answering from inside the call would pile up on the stack.
TEST_F(UseCompletion, ACallThatCompletesAtOnceIsPosted) {
  int answered = 0;
  boost::asio::co_spawn(context_, ask_at_once(executor_, 100'000, answered), boost::asio::detached);
  EXPECT_TRUE(run_until(context_, [&] { return answered == 100'000; }));
}

TEST_F(UseCompletion, TheHandlerRunsOnItsOwnExecutor) {
  auto strand = boost::asio::make_strand(context_);
  bool in_strand = false;
  bool called = false;
  const auto call = [&](Completion<std::string> done) { server_.answer("yes", std::move(done)); };
  use_completion<std::string>(executor_, call, boost::asio::bind_executor(strand, [&](Result<std::string>) {
                                in_strand = strand.running_in_this_thread();
                                called = true;
                              }));
  EXPECT_FALSE(called);
  ASSERT_TRUE(run_until(context_, [&] { return called; }));
  EXPECT_TRUE(in_strand);
}

// io_context::run does not return while an answer is due.
TEST_F(UseCompletion, AnAnswerThatIsDueCountsAsWork) {
  Completion<std::string> waiting;
  bool called = false;
  use_completion<std::string>(
      executor_, [&](Completion<std::string> done) { waiting = std::move(done); },
      [&](Result<std::string>) { called = true; });
  context_.poll();
  EXPECT_FALSE(context_.stopped());
  waiting("yes");
  context_.run();
  EXPECT_TRUE(called);
}

TEST_F(UseCompletion, AnotherThreadWaitsOnAFuture) {
  auto work = boost::asio::make_work_guard(context_);
  std::jthread loop([&] { context_.run(); });
  auto [done, future] = make_future<std::string>();
  executor_.post([this, done = std::move(done)]() mutable { server_.answer("yes", std::move(done)); });
  EXPECT_EQ(future.get(), "yes");
  work.reset();
}

TEST(MakeFuture, ADroppedCompletionIsAnUnknownOutcome) {
  auto [done, future] = make_future<void>();
  done = nullptr;
  const Result<void> result = future.get();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(outcome_of(result.error().code), Outcome::unknown);
}

TEST(MakeFuture, ErrorsComeThrough) {
  auto [done, future] = make_future<std::unique_ptr<int>>();
  done(fail(ErrorCode::io, "broken"));
  EXPECT_EQ(future.get().error(), (Error{ErrorCode::io, "broken"}));
}

}  // namespace
}  // namespace keel
