#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "keel/base/time.hpp"
#include "keel/port/executor.hpp"

namespace keel {

// Tasks by time; those of one time in the order in which they were added. Adding and cancelling cost the logarithm of
// how many there are, and no allocation once it has been as full before: a node moves its deadline every turn.
class TimerHeap {
 public:
  TimerId add(Instant when, Task task);
  // False when there is no such timer (any more). Destroys the task.
  bool cancel(TimerId timer);

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::optional<Instant> next() const;
  // The first task whose time has come and that was added before the timer numbered `limit` (see `added`).
  [[nodiscard]] std::optional<Task> take_due(Instant now, std::uint64_t limit);
  [[nodiscard]] std::uint64_t added() const { return added_; }

 private:
  struct Slot {
    Instant when{};
    std::uint64_t order = 0;
    Task task;
    std::uint32_t place = 0;       // in heap_
    std::uint32_t generation = 0;  // counts how often the slot was used, so that an old handle is seen as old
  };

  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;
  void put(std::size_t place, std::uint32_t slot);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  Task remove(std::uint32_t slot);

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> heap_;  // of slots, the earliest first
  std::uint64_t added_ = 0;
};

}  // namespace keel
