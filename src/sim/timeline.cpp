#include "keel/sim/timeline.hpp"

#include <utility>

#include "keel/base/assert.hpp"

namespace keel::sim {

TimerId Timeline::post(Owner owner, SimTime when, Task task, std::optional<Instant> local) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Slot& event = slots_[slot];
  event.task = std::move(task);
  event.when = when;
  event.local = local;
  event.owner = owner;
  enqueue(slot);
  return TimerId((std::uint64_t{event.generation} << 32) | (slot + 1));
}

void Timeline::cancel(TimerId event) {
  const auto slot = static_cast<std::uint32_t>(event.value()) - 1;
  if (slot >= slots_.size() || slots_[slot].generation != event.value() >> 32 || slots_[slot].place == nowhere) return;
  if (slots_[slot].place < in_parked) remove_waiting(slots_[slot].place);
  release(slot);
}

void Timeline::freeze(Owner owner) { process(owner).frozen = true; }

void Timeline::thaw(Owner owner) {
  Process& thawed = process(owner);
  thawed.frozen = false;
  for (const Ready& parked : std::exchange(thawed.parked, {})) {
    if (slots_[parked.slot].generation == parked.generation) enqueue(parked.slot);
  }
}

void Timeline::drop(Owner owner) {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].owner != owner || slots_[slot].place == nowhere) continue;
    if (slots_[slot].place < in_parked) remove_waiting(slots_[slot].place);
    release(slot);
  }
  process(owner) = {};
}

std::optional<SimTime> Timeline::next() {
  const std::uint32_t slot = head();
  if (slot == nowhere) return std::nullopt;
  return slots_[slot].place == in_ready ? now_ : slots_[slot].when;
}

bool Timeline::step() {
  const std::uint32_t slot = head();
  if (slot == nowhere) return false;
  if (slots_[slot].place == in_ready) {
    ready_.pop_front();
  } else {
    now_ = slots_[slot].when;
    remove_waiting(0);
  }
  running_ = slots_[slot].owner;
  Task task = std::move(slots_[slot].task);
  release(slot);
  ++steps_;
  task();
  return true;
}

void Timeline::pass_until(SimTime when) {
  const auto following = next();
  now_ = std::max(now_, following ? std::min(when, *following) : when);
}

Timeline::Process& Timeline::process(Owner owner) {
  if (owner >= processes_.size()) processes_.resize(owner + 1);
  return processes_[owner];
}

// What is due at once is in order already and needs no heap.
void Timeline::enqueue(std::uint32_t slot) {
  Slot& event = slots_[slot];
  const std::uint64_t sequence = ++sequence_;
  if (event.when <= now_) {
    event.place = in_ready;
    ready_.push_back({sequence, slot, event.generation});
  } else {
    waiting_.emplace_back();
    sift(waiting_.size() - 1, {event.when, sequence, slot});
  }
}

void Timeline::release(std::uint32_t slot) {
  slots_[slot].place = nowhere;
  ++slots_[slot].generation;
  slots_[slot].local.reset();
  free_.push_back(slot);
  // Last, because what a task holds may come back here when it is destroyed.
  const Task dead = std::exchange(slots_[slot].task, nullptr);
}

void Timeline::park(std::uint32_t slot) {
  slots_[slot].place = in_parked;
  process(slots_[slot].owner).parked.push_back({0, slot, slots_[slot].generation});
}

void Timeline::move(std::uint32_t slot, SimTime when) {
  Slot& event = slots_[slot];
  if (event.place == in_ready || event.place == nowhere) return;
  event.when = std::max(when, now_);
  if (event.place == in_parked) return;
  const std::uint64_t sequence = waiting_[event.place].sequence;
  sift(event.place, {event.when, sequence, slot});
}

// Puts `entry` where it belongs, given a hole at `position`.
void Timeline::sift(std::size_t position, Waiting entry) {
  const auto put = [this](std::size_t at, const Waiting& what) {
    waiting_[at] = what;
    slots_[what.slot].place = static_cast<std::uint32_t>(at);
  };
  while (position > 0 && entry < waiting_[(position - 1) / 2]) {
    put(position, waiting_[(position - 1) / 2]);
    position = (position - 1) / 2;
  }
  for (std::size_t child = 2 * position + 1; child < waiting_.size(); child = 2 * position + 1) {
    if (child + 1 < waiting_.size() && waiting_[child + 1] < waiting_[child]) ++child;
    if (!(waiting_[child] < entry)) break;
    put(position, waiting_[child]);
    position = child;
  }
  put(position, entry);
}

void Timeline::remove_waiting(std::size_t position) {
  const Waiting last = waiting_.back();
  waiting_.pop_back();
  if (position < waiting_.size()) sift(position, last);
}

std::uint32_t Timeline::head() {
  for (;;) {
    while (!ready_.empty() && slots_[ready_.front().slot].generation != ready_.front().generation)
      ready_.pop_front();
    const bool some_waiting = !waiting_.empty() && waiting_.front().when != never;
    if (ready_.empty() && !some_waiting) return nowhere;
    const bool take_waiting =
        some_waiting &&
        (ready_.empty() || (waiting_.front().when <= now_ && waiting_.front().sequence < ready_.front().sequence));
    const std::uint32_t slot = take_waiting ? waiting_.front().slot : ready_.front().slot;
    if (!frozen(slots_[slot].owner)) return slot;
    if (take_waiting) {
      remove_waiting(0);
    } else {
      ready_.pop_front();
    }
    park(slot);
  }
}

}  // namespace keel::sim
