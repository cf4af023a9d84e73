#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "keel/node/node.hpp"

namespace keel {

// Numbers what happens, keeps the errors among it, and tells the observers once the turn's work is done.
class Events {
 public:
  explicit Events(const Executor& executor) : executor_(executor) {}

  void add(Observer& observer);
  void remove(Observer& observer);
  // The kinds that somebody wants, and those that are counted or kept here.
  [[nodiscard]] EventMask wanted() const;

  void record(NodeEvent what);
  // Tells what was recorded until now. What observers cause meanwhile is told in the next turn.
  void tell();
  // Everything, also what a `tell` further up the stack has not come to yet.
  void tell_all();
  [[nodiscard]] bool empty() const { return pending_.empty(); }

  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }
  [[nodiscard]] const std::deque<Event>& errors() const { return errors_; }
  [[nodiscard]] const std::array<std::uint64_t, reject_reasons>& rejected() const { return rejected_; }
  [[nodiscard]] std::uint64_t caught() const { return caught_; }

  static constexpr std::size_t errors_kept = 64;

 private:
  struct Subscriber {
    Observer* observer;  // null: removed while being told
    EventMask mask;
    std::uint64_t since;  // it was told of this event's number and those before by nobody
  };
  void tell(const Event& event);

  const Executor& executor_;
  std::vector<Subscriber> subscribers_;
  std::vector<Event> pending_;
  std::vector<Event> telling_;
  std::size_t next_ = 0;  // of telling_
  unsigned depth_ = 0;    // of `tell` within `tell`
  std::deque<Event> errors_;
  std::array<std::uint64_t, reject_reasons> rejected_{};
  std::uint64_t last_number_ = 0;
  std::uint64_t caught_ = 0;
};

}  // namespace keel
