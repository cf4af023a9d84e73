#pragma once

#include <cstdint>

#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/port/completion.hpp"

namespace keel {

using TimerId = Number<struct TimerTag>;

// Threading, time and "my event loop" in one. Everything of one Node runs on one Executor, one task at a time.
// Tasks run in the order in which they were posted; none runs from inside `post` or `at`.
class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` soon, after all that was posted before. The only call that is safe from any thread.
  virtual void post(Task task) = 0;

  // Runs `task` once, when `now()` has reached `when` (at once if it has). Returns a handle, never 0.
  virtual TimerId at(Instant when, Task task) = 0;
  // After it returns the task will not run. A handle whose task has run, or 0, is ignored.
  virtual void cancel(TimerId timer) = 0;

  // The time of this turn of the loop: does not go back, and need not move while one task runs.
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

}  // namespace keel
