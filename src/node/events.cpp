#include "node/events.hpp"

#include <algorithm>

namespace keel {
namespace {

constexpr EventMask counted_or_kept =
    bit_of<MessageRejected>() | bit_of<StorageStalled>() | bit_of<FetchFailed>() | bit_of<ProtocolViolation>();

bool wants(EventMask mask, const NodeEvent& what) {
  const auto* event = std::get_if<RaftEvent>(&what);
  return event == nullptr || (mask & (EventMask{1} << event->index())) != 0;
}

}  // namespace

void Events::add(Observer& observer) {
  EventMask mask = all_events;
  try {
    mask = observer.wants();
  } catch (...) {
    ++caught_;
  }
  const auto known = std::ranges::find(subscribers_, &observer, &Subscriber::observer);
  if (known == subscribers_.end())
    subscribers_.push_back({&observer, mask, last_number_});
  else
    known->mask = mask;
}

void Events::remove(Observer& observer) {
  for (Subscriber& subscriber : subscribers_) {
    if (subscriber.observer == &observer) subscriber.observer = nullptr;
  }
  if (depth_ == 0) std::erase_if(subscribers_, [](const Subscriber& s) { return s.observer == nullptr; });
}

EventMask Events::wanted() const {
  EventMask wanted = counted_or_kept;
  for (const Subscriber& subscriber : subscribers_)
    wanted |= subscriber.observer != nullptr ? subscriber.mask : 0;
  return wanted;
}

void Events::record(NodeEvent what) {
  if (const auto* event = std::get_if<RaftEvent>(&what)) {
    if (const auto* rejected = std::get_if<MessageRejected>(event)) {
      ++rejected_[static_cast<std::size_t>(rejected->reason)];
    }
  }
  ++last_number_;
  const bool keep = is_error(what);
  if (!keep && subscribers_.empty()) return;
  Event event{last_number_, executor_.now(), std::move(what)};
  if (keep) {
    if (errors_.size() == errors_kept) errors_.pop_front();
    errors_.push_back(event);
  }
  if (!subscribers_.empty()) pending_.push_back(std::move(event));
}

void Events::tell() {
  if (next_ == telling_.size()) {
    telling_.clear();
    next_ = 0;
    telling_.swap(pending_);
  }
  ++depth_;
  while (next_ < telling_.size()) {
    const Event event = std::move(telling_[next_++]);  // a nested call goes on behind it
    tell(event);
  }
  if (--depth_ == 0) std::erase_if(subscribers_, [](const Subscriber& s) { return s.observer == nullptr; });
}

void Events::tell_all() {
  do {
    tell();
  } while (!pending_.empty());
}

void Events::tell(const Event& event) {
  for (std::size_t i = 0; i < subscribers_.size(); ++i) {
    const Subscriber subscriber = subscribers_[i];
    if (subscriber.observer == nullptr || event.number <= subscriber.since || !wants(subscriber.mask, event.what))
      continue;
    try {
      subscriber.observer->on_event(event);
    } catch (...) {
      ++caught_;
    }
  }
}

}  // namespace keel
