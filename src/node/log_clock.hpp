#pragma once

#include <memory>
#include <optional>

#include "keel/port/executor.hpp"
#include "keel/port/log_store.hpp"

namespace keel {

// The log's own time: what a leader stamps on its entries. The wall clock's, unless the log has an entry that is later.
class LogClock {
 public:
  // Looks up the time of the log's end as it was found; until it is known, nothing may be stamped. `alive` guards the
  // store's answer.
  void start(LogStore& log, IndexRange entries, const std::weak_ptr<const void>& alive);
  [[nodiscard]] bool known() const { return known_; }

  void saw(const Entry& entry);
  // One reading of the clock a turn.
  [[nodiscard]] WallTime stamp(const Executor& executor);
  void turn_over() { now_.reset(); }

 private:
  void look_up(LogStore& log, IndexRange entries, int tries, const std::weak_ptr<const void>& alive);

  WallTime last_{};
  std::optional<WallTime> now_;
  bool known_ = false;
};

}  // namespace keel
