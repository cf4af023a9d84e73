#include "node/reads.hpp"

#include <iterator>
#include <utility>

namespace keel {

void Reads::add(Completion<Index> done, std::optional<Instant> deadline) {
  ++last_number_;
  fresh_.waiting.push_back({std::move(done), deadline.has_value()});
  ++fresh_.live;
  ++live_;
  if (deadline) deadlines_.add(*deadline, last_number_);
}

ReadId Reads::ask() {
  const std::uint64_t first = fresh_first();
  asked_.emplace_hint(asked_.end(), first, std::exchange(fresh_, {}));
  return ReadId(first);
}

void Reads::confirmed(ReadId id, Index index) {
  auto group = asked_.extract(id.value());
  if (group.empty()) return;
  group.mapped().index = index;
  confirmed_.insert(std::move(group));
}

void Reads::refused(ReadId id, const Error& why, Drain& drain) {
  auto group = asked_.extract(id.value());
  if (!group.empty()) end(group.mapped(), std::unexpected(why), drain);
}

void Reads::applied(Index index, Drain& drain) {
  while (!confirmed_.empty() && confirmed_.begin()->second.index <= index) {
    auto group = confirmed_.extract(confirmed_.begin());
    end(group.mapped(), index, drain);
  }
}

void Reads::end(Group& group, const Result<Index>& result, Drain& drain) {
  for (Waiting& read : group.waiting) {
    if (!read.done) continue;
    drain.owe(std::exchange(read.done, nullptr), result);
    --live_;
    if (read.has_deadline) {
      deadlines_.gone([this](std::uint64_t number) { return find(number).has_value(); });
    }
  }
}

// The read with this number, if it still waits.
std::optional<Reads::Place> Reads::find(std::uint64_t number) {
  const auto in = [&](Group& group, std::uint64_t first) -> Waiting* {
    if (number < first || number - first >= group.waiting.size()) return nullptr;
    Waiting& read = group.waiting[number - first];
    return read.done ? &read : nullptr;
  };
  if (Waiting* read = in(fresh_, fresh_first())) return Place{nullptr, {}, read};
  for (Groups* groups : {&asked_, &confirmed_}) {
    const auto behind = groups->upper_bound(number);
    if (behind == groups->begin()) continue;
    const auto at = std::prev(behind);
    if (Waiting* read = in(at->second, at->first)) return Place{groups, at, read};
  }
  return std::nullopt;
}

void Reads::expire(Instant now, Drain& drain) {
  deadlines_.expire(now, [&](std::uint64_t number) {
    const auto place = find(number);
    if (!place) return false;
    drain.owe<Index>(std::exchange(place->read->done, nullptr),
                     fail(ErrorCode::timed_out, "the read could not be confirmed in time; try again"));
    --live_;
    if (place->groups == nullptr) {
      if (--fresh_.live == 0) fresh_ = {};
    } else if (--place->at->second.live == 0) {
      place->groups->erase(place->at);
    }
    return true;
  });
}

void Reads::end_all(const Error& why, Drain& drain) {
  for (Groups* groups : {&confirmed_, &asked_}) {
    for (auto& [first, group] : *groups)
      end(group, std::unexpected(why), drain);
    groups->clear();
  }
  end(fresh_, std::unexpected(why), drain);
  fresh_ = {};
  deadlines_.clear();
}

}  // namespace keel
