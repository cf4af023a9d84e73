#include "node/commands.hpp"

#include <fmt/core.h>

namespace keel {
namespace {

constexpr std::size_t slack = 64;  // dead places that are not worth sweeping

Error discarded(LogPosition command, LogPosition applied) {
  return {ErrorCode::discarded,
          fmt::format("the entry at {} of term {} will never apply: an entry of term {} is committed at {}",
                      command.index.value(), command.term.value(), applied.term.value(), applied.index.value())};
}

Error timed_out(LogPosition command) {
  return {ErrorCode::timed_out, fmt::format("the deadline is over and the entry at {} of term {} is not applied yet; "
                                            "it may still apply",
                                            command.index.value(), command.term.value())};
}

}  // namespace

void Commands::add(Waiting command) {
  // A leader that lost its role, its tail, and now leads again with a shorter log.
  while (!waiting_.empty() && waiting_.back().position.index >= command.position.index) {
    Waiting displaced = std::move(waiting_.back());
    waiting_.pop_back();
    const Index index = displaced.position.index;
    if (displaced.done) displaced_.emplace(index, std::move(displaced));
  }
  if (command.deadline) deadlines_.add(*command.deadline, command.position);
  waiting_.push_back(std::move(command));
  ++live_;
}

Commands::Waiting* Commands::find(LogPosition position) {
  if (!waiting_.empty() && position.index >= waiting_.front().position.index) {
    // Where it is if nothing but this node's commands lies between.
    const std::uint64_t guess = position.index - waiting_.front().position.index;
    if (guess < waiting_.size() && waiting_[guess].position == position) return &waiting_[guess];
  }
  std::size_t low = 0;
  std::size_t high = waiting_.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (waiting_[middle].position.index < position.index) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < waiting_.size() && waiting_[low].position == position) return &waiting_[low];
  for (auto [it, last] = displaced_.equal_range(position.index); it != last; ++it) {
    if (it->second.position == position) return &it->second;
  }
  return nullptr;
}

Context Commands::context_at(LogPosition position) {
  if (live_ == 0) return nullptr;
  const Waiting* command = find(position);
  return command == nullptr ? nullptr : command->context;
}

void Commands::applied(LogPosition position, Reply* reply, Drain& drain) {
  const bool new_term = position.term > applied_term_;
  applied_term_ = std::max(applied_term_, position.term);
  while (!waiting_.empty()) {
    Waiting& front = waiting_.front();
    if (front.position.index > position.index && front.position.term >= applied_term_) break;
    if (front.done) settle(front, position, reply, drain);
    waiting_.pop_front();
  }
  if (displaced_.empty()) return;
  const auto end = new_term ? displaced_.end() : displaced_.upper_bound(position.index);
  for (auto at = displaced_.begin(); at != end;) {
    Waiting& command = at->second;
    const bool fate_known = command.position.index <= position.index || command.position.term < applied_term_;
    if (command.done && fate_known) settle(command, position, reply, drain);
    at = command.done ? std::next(at) : displaced_.erase(at);
  }
}

// Leaves the place empty; who calls takes it away.
void Commands::settle(Waiting& command, LogPosition position, Reply* reply, Drain& drain) {
  if (command.position == position && reply != nullptr) {
    drain.owe<Applied>(std::exchange(command.done, nullptr), Applied{std::move(*reply), position});
  } else {
    drain.owe<Applied>(std::exchange(command.done, nullptr), std::unexpected(discarded(command.position, position)));
  }
  forget(command);
  if (command.deadline) {
    deadlines_.gone([this](LogPosition position) {
      const Waiting* other = find(position);
      return other != nullptr && other->done;
    });
  }
}

void Commands::forget(Waiting& command) {
  command.context = nullptr;
  --live_;
}

void Commands::expire(Instant now, Drain& drain) {
  deadlines_.expire(now, [&](LogPosition position) {
    Waiting* command = find(position);
    if (command == nullptr || !command->done) return false;
    drain.owe<Applied>(std::exchange(command->done, nullptr), std::unexpected(timed_out(position)));
    forget(*command);
    return true;
  });
  drop_dead();
}

// Places of answered commands go when they are most of what is held: a leader that cannot commit keeps none of them.
void Commands::drop_dead() {
  if (waiting_.size() + displaced_.size() < 2 * live_ + slack) return;
  Ring<Waiting> alive;
  for (; !waiting_.empty(); waiting_.pop_front()) {
    if (waiting_.front().done) alive.push_back(std::move(waiting_.front()));
  }
  waiting_ = std::move(alive);
  std::erase_if(displaced_, [](const auto& place) { return !place.second.done; });
}

void Commands::end_all(LogPosition issued, const Error& unsent, const Error& unknown, Drain& drain) {
  const auto end_one = [&](Waiting& command) {
    if (!command.done) return;
    drain.owe<Applied>(std::move(command.done), std::unexpected(command.position > issued ? unsent : unknown));
  };
  for (auto& [index, command] : displaced_)
    end_one(command);
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    end_one(waiting_[i]);
  displaced_.clear();
  waiting_ = {};
  deadlines_.clear();
  live_ = 0;
}

}  // namespace keel
