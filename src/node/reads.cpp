#include "node/reads.hpp"

#include <algorithm>

namespace keel {

void Reads::add(Completion<Index> done, std::optional<Instant> deadline) {
  ++last_number_;
  if (fresh_.waiting.empty()) fresh_.first = last_number_;
  fresh_.waiting.push_back({std::move(done), deadline.has_value()});
  ++live_;
  if (deadline) deadlines_.add(*deadline, last_number_);
}

ReadId Reads::ask() {
  fresh_.id = ++last_id_;
  asked_.push_back(std::exchange(fresh_, {}));
  return last_id_;
}

std::deque<Reads::Group>::iterator Reads::group_of(ReadId id) {
  const auto at = std::ranges::lower_bound(asked_, id, {}, &Group::id);
  return at != asked_.end() && at->id == id ? at : asked_.end();
}

void Reads::confirmed(ReadId id, Index index) {
  const auto at = group_of(id);
  if (at == asked_.end()) return;
  at->index = index;
  confirmed_.push_back(std::move(*at));
  asked_.erase(at);
}

void Reads::refused(ReadId id, const Error& why, Drain& drain) {
  const auto at = group_of(id);
  if (at == asked_.end()) return;
  Group group = std::move(*at);
  asked_.erase(at);
  end(group, std::unexpected(why), drain);
}

void Reads::applied(Index index, Drain& drain) {
  std::vector<Group> ready;
  for (Group& group : confirmed_) {
    if (group.index <= index) ready.push_back(std::exchange(group, {}));
  }
  if (ready.empty()) return;
  std::erase_if(confirmed_, [](const Group& group) { return group.waiting.empty(); });
  for (Group& group : ready)
    end(group, index, drain);
}

void Reads::end(Group& group, const Result<Index>& result, Drain& drain) {
  for (Waiting& read : group.waiting) {
    if (!read.done) continue;
    drain.owe(std::move(read.done), result);
    read.done = nullptr;
    --live_;
    if (read.has_deadline) {
      deadlines_.gone([this](std::uint64_t number) { return find(number) != nullptr; });
    }
  }
}

// The read with this number, if it still waits.
Reads::Waiting* Reads::find(std::uint64_t number) {
  if (Waiting* read = find_in(fresh_, number)) return read;
  const auto behind = std::ranges::upper_bound(asked_, number, {}, &Group::first);
  if (behind != asked_.begin()) {
    if (Waiting* read = find_in(*std::prev(behind), number)) return read;
  }
  for (Group& group : confirmed_) {
    if (Waiting* read = find_in(group, number)) return read;
  }
  return nullptr;
}

Reads::Waiting* Reads::find_in(Group& group, std::uint64_t number) {
  if (number < group.first || number - group.first >= group.waiting.size()) return nullptr;
  Waiting& read = group.waiting[number - group.first];
  return read.done ? &read : nullptr;
}

void Reads::expire(Instant now, Drain& drain) {
  deadlines_.expire(now, [&](std::uint64_t number) {
    Waiting* read = find(number);
    if (read == nullptr) return false;
    drain.owe<Index>(std::exchange(read->done, nullptr),
                     fail(ErrorCode::timed_out, "the read could not be confirmed in time; try again"));
    --live_;
    return true;
  });
}

void Reads::end_all(const Error& why, Drain& drain) {
  for (Group& group : confirmed_)
    end(group, std::unexpected(why), drain);
  for (Group& group : asked_)
    end(group, std::unexpected(why), drain);
  end(fresh_, std::unexpected(why), drain);
  confirmed_.clear();
  asked_.clear();
  fresh_ = {};
  deadlines_.clear();
}

}  // namespace keel
