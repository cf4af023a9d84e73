#include "keel/asio/executor.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "asio/timer_heap.hpp"
#include "keel/base/assert.hpp"

namespace keel {

namespace {

// Asio's loop and ours read the same clock.
std::chrono::steady_clock::time_point to_steady(Instant when) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch()));
}

Instant read_clock() { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

}  // namespace

// Posted tasks. One handler waits in the loop for all that are queued, so a post costs a lock and a push. A round runs
// what was queued when it began; what those tasks post comes after the sockets had their turn.
class AsioExecutor::Tasks : public std::enable_shared_from_this<Tasks> {
 public:
  explicit Tasks(boost::asio::io_context& context) : context_(context) {}

  void post(Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      queued_.push_back(std::move(task));
      if (std::exchange(scheduled_, true)) return;
    }
    schedule();
  }

  void close() {
    const std::vector<Task> unrun = std::exchange(round_, {});  // destroyed last: what they own may call us
    std::vector<Task> unseen;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    unseen.swap(queued_);
  }

 private:
  void schedule() {
    boost::asio::post(context_, [self = shared_from_this()] { self->run_round(); });
  }

  void run_round() {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      if (done_ == round_.size()) {  // else a task threw, and the rest of its round comes first
        round_.clear();
        done_ = 0;
        round_.swap(queued_);
      }
    }
    const EndOfRound end{*this};
    while (done_ < round_.size()) {
      Task task = std::move(round_[done_++]);
      task();
    }
  }

  struct EndOfRound {
    Tasks& tasks;
    ~EndOfRound() {
      {
        const std::lock_guard lock(tasks.mutex_);
        tasks.scheduled_ = tasks.done_ < tasks.round_.size() || !tasks.queued_.empty();
        if (!tasks.scheduled_) return;
      }
      tasks.schedule();
    }
  };

  boost::asio::io_context& context_;
  std::vector<Task> round_;  // the loop's thread alone
  std::size_t done_ = 0;
  std::mutex mutex_;
  std::vector<Task> queued_;
  bool scheduled_ = false;
  bool closed_ = false;
};

// Timers, with one Asio timer for the earliest. It is moved only towards an earlier time; when it rings for a timer
// that has been cancelled or put off, it is set again. So moving a deadline ahead, turn after turn, costs no system call.
class AsioExecutor::Timers : public std::enable_shared_from_this<Timers> {
 public:
  explicit Timers(boost::asio::io_context& context) : bell_(std::in_place, context) {}

  TimerId add(Instant when, Task task) {
    const TimerId timer = heap_.add(when, std::move(task));
    arm();
    return timer;
  }

  void cancel(TimerId timer) { heap_.cancel(timer); }

  void close() {
    bell_.reset();
    const TimerHeap unrun = std::exchange(heap_, {});  // destroyed last: what the tasks own may call us
  }

 private:
  void arm() {
    const auto next = heap_.next();
    if (!bell_ || running_ || !next || (armed_ && *armed_ <= *next)) return;
    armed_ = next;
    bell_->expires_at(to_steady(*next));
    bell_->async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->ring();
    });
  }

  void ring() {
    if (!bell_) return;
    armed_.reset();
    running_ = true;
    const EndOfRing end{*this};
    const Instant now = read_clock();
    const std::uint64_t limit = heap_.added();  // what these tasks add waits, so that sockets get their turn
    while (auto task = heap_.take_due(now, limit)) {
      (*task)();
    }
  }

  struct EndOfRing {
    Timers& timers;
    ~EndOfRing() {
      timers.running_ = false;
      timers.arm();
    }
  };

  TimerHeap heap_;
  std::optional<boost::asio::steady_timer> bell_;
  std::optional<Instant> armed_;
  bool running_ = false;
};

AsioExecutor::AsioExecutor(boost::asio::io_context& context)
    : context_(context), tasks_(std::make_shared<Tasks>(context)), timers_(std::make_shared<Timers>(context)) {}

AsioExecutor::~AsioExecutor() {
  tasks_->close();
  timers_->close();
}

void AsioExecutor::post(Task task) {
  KEEL_ASSERT(task, "a task can be called");
  tasks_->post(std::move(task));
}

TimerId AsioExecutor::at(Instant when, Task task) {
  KEEL_ASSERT(task, "a task can be called");
  return timers_->add(when, std::move(task));
}

void AsioExecutor::cancel(TimerId timer) { timers_->cancel(timer); }

Instant AsioExecutor::now() const { return read_clock(); }

WallTime AsioExecutor::wall_now() const {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace keel
