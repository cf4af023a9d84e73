#include "asio/timer_heap.hpp"

#include <tuple>
#include <utility>

namespace keel {

TimerId TimerHeap::add(Instant when, Task task) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.when = when;
  slot.order = added_++;
  slot.task = std::move(task);
  ++slot.generation;
  heap_.push_back(index);
  sift_up(heap_.size() - 1);
  return TimerId((std::uint64_t{slot.generation} << 32) | index);
}

bool TimerHeap::cancel(TimerId timer) {
  const auto index = static_cast<std::uint32_t>(timer.value());
  const auto generation = static_cast<std::uint32_t>(timer.value() >> 32);
  if (index >= slots_.size() || slots_[index].generation != generation || !slots_[index].task) return false;
  remove(index);
  return true;
}

std::optional<Instant> TimerHeap::next() const {
  if (heap_.empty()) return std::nullopt;
  return slots_[heap_.front()].when;
}

std::optional<Task> TimerHeap::take_due(Instant now, std::uint64_t limit) {
  if (heap_.empty()) return std::nullopt;
  const Slot& first = slots_[heap_.front()];
  if (first.when > now || first.order >= limit) return std::nullopt;
  return remove(heap_.front());
}

bool TimerHeap::before(std::uint32_t a, std::uint32_t b) const {
  return std::tie(slots_[a].when, slots_[a].order) < std::tie(slots_[b].when, slots_[b].order);
}

void TimerHeap::put(std::size_t place, std::uint32_t slot) {
  heap_[place] = slot;
  slots_[slot].place = static_cast<std::uint32_t>(place);
}

void TimerHeap::sift_up(std::size_t place) {
  const std::uint32_t slot = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (!before(slot, heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, slot);
}

void TimerHeap::sift_down(std::size_t place) {
  const std::uint32_t slot = heap_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], slot)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, slot);
}

Task TimerHeap::remove(std::uint32_t slot) {
  const std::size_t place = slots_[slot].place;
  const std::uint32_t last = heap_.back();
  heap_.pop_back();
  if (last != slot) {
    put(place, last);
    sift_up(place);
    sift_down(slots_[last].place);
  }
  free_.push_back(slot);
  return std::exchange(slots_[slot].task, nullptr);
}

}  // namespace keel
