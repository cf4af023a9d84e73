#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "keel/port/executor.hpp"

namespace keel {

// An Executor on an Asio loop. The io_context may carry other work (sockets of a server, coroutines); one thread at a
// time runs it, so that everything on it is one task at a time.
//
// Made, used and destroyed on that thread, or while nobody runs the loop; only `post` may come from elsewhere, and no
// later than the destructor begins. Tasks that have not run by then are destroyed unrun. The io_context must outlive it.
//
// An exception that a task throws leaves io_context::run, as Asio's own handlers' do; call run again and the tasks
// behind it follow. After a timer was cancelled io_context::run may linger until the time it had: `stop` ends it at once.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(boost::asio::io_context& context);
  ~AsioExecutor() override;
  AsioExecutor(const AsioExecutor&) = delete;
  AsioExecutor& operator=(const AsioExecutor&) = delete;

  void post(Task task) override;
  TimerId at(Instant when, Task task) override;
  void cancel(TimerId timer) override;
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall_now() const override;

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  class Tasks;
  class Timers;

  boost::asio::io_context& context_;
  std::shared_ptr<Tasks> tasks_;  // handlers that wait in the loop share these and may outlive us
  std::shared_ptr<Timers> timers_;
};

}  // namespace keel
