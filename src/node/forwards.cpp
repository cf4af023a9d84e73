#include "node/forwards.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace keel {

Forwards::Forwards(std::uint64_t run) : next_tag_((run << forward_count_bits) + 1) {}

std::uint64_t Forwards::add(Waiting command) {
  const std::uint64_t tag = next_tag_++;
  deadlines_.add(command.deadline, tag);
  bytes_ += command.bytes;
  settled_ = waiting_.empty() ? command.term : std::min(settled_, command.term);
  waiting_.emplace_hint(waiting_.end(), tag, std::move(command));
  return tag;
}

Context Forwards::context_of(std::uint64_t tag) const {
  const auto at = waiting_.find(tag);
  return at == waiting_.end() ? nullptr : at->second.context;
}

void Forwards::appended(NodeId from, std::uint64_t tag, LogPosition position, Drain& drain) {
  const auto at = waiting_.find(tag);
  if (at == waiting_.end() || at->second.leader != from || !at->second.appended) return;
  drain.owe(std::exchange(at->second.appended, nullptr), position);
}

void Forwards::refused(NodeId from, std::uint64_t tag, Error why, Drain& drain) {
  const auto at = waiting_.find(tag);
  if (at != waiting_.end() && at->second.leader == from) end(at, std::unexpected(std::move(why)), drain);
}

void Forwards::applied(std::uint64_t tag, LogPosition position, Reply&& reply, Drain& drain) {
  const auto at = waiting_.find(tag);
  if (at == waiting_.end()) return;
  if (at->second.appended) drain.owe(std::exchange(at->second.appended, nullptr), position);
  end(at, Applied{std::move(reply), position}, drain);
}

void Forwards::term_applied(LogPosition position, Drain& drain) {
  if (waiting_.empty() || settled_ >= position.term) return;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto next = std::next(at);
    if (at->second.term < position.term) {
      end(at,
          fail(ErrorCode::discarded,
               fmt::format("passed on to node {} in term {} and never applied: an entry of term {} is committed "
                           "at {}",
                           at->second.leader.value(), at->second.term.value(), position.term.value(),
                           position.index.value())),
          drain);
    }
    at = next;
  }
  settled_ = position.term;
}

void Forwards::expire(Instant now, Drain& drain) {
  deadlines_.expire(now, [&](std::uint64_t tag) {
    const auto at = waiting_.find(tag);
    if (at == waiting_.end()) return false;
    drain.owe<Applied>(std::move(at->second.done),
                       fail(ErrorCode::timed_out, fmt::format("passed on to node {} and not applied in time; it may "
                                                              "still apply",
                                                              at->second.leader.value())));
    erase(at);
    return true;
  });
}

void Forwards::end(Map::iterator at, Result<Applied> result, Drain& drain) {
  drain.owe(std::move(at->second.done), std::move(result));
  erase(at);
  deadlines_.gone([this](std::uint64_t tag) { return waiting_.contains(tag); });
}

void Forwards::erase(Map::iterator at) {
  bytes_ -= at->second.bytes;
  waiting_.erase(at);
}

void Forwards::end_all(const Error& why, Drain& drain) {
  for (auto& [tag, command] : waiting_)
    drain.owe<Applied>(std::move(command.done), std::unexpected(why));
  waiting_.clear();
  bytes_ = 0;
  deadlines_.clear();
}

bool SeenForwards::first_time(NodeId origin, std::uint64_t tag) {
  const std::uint64_t number = tag & ((std::uint64_t{1} << forward_count_bits) - 1);
  Run& run = run_of(origin, tag >> forward_count_bits);
  run.used = ++uses_;
  if (number + window <= run.highest) return false;
  if (number > run.highest) {
    if (number - run.highest >= window) {
      run.seen.reset();
    } else {
      for (std::uint64_t i = run.highest + 1; i <= number; ++i)
        run.seen.reset(i % window);
    }
    run.highest = number;
  }
  if (run.seen.test(number % window)) return false;
  run.seen.set(number % window);
  return true;
}

SeenForwards::Run& SeenForwards::run_of(NodeId origin, std::uint64_t run) {
  const auto known = std::ranges::find_if(runs_, [&](const Run& r) { return r.origin == origin && r.run == run; });
  if (known != runs_.end()) return *known;
  if (runs_.size() == max_runs) runs_.erase(std::ranges::min_element(runs_, {}, &Run::used));
  Run fresh;
  fresh.origin = origin;
  fresh.run = run;
  return runs_.emplace_back(fresh);
}

}  // namespace keel
