#include "node/outbox.hpp"

#include <algorithm>
#include <utility>

#include "keel/base/assert.hpp"

namespace keel {

std::shared_ptr<ReplyPath> Outbox::path_of(const PeerMessage& message, const Route* route) {
  return route != nullptr && message.to == route->to ? route->path : nullptr;
}

void Outbox::send(PeerMessage message, const Route* route) {
  auto path = path_of(message, route);
  if (path != nullptr) {
    answers_.push_back({WriteId(), std::move(message), std::move(path)});
  } else {
    pass_on({WriteId(), std::move(message), nullptr});
  }
}

void Outbox::hold(WriteId after, PeerMessage message, const Route* route) {
  auto path = path_of(message, route);
  if (held_.size() == max_held) held_.pop_front();
  const auto at = std::ranges::upper_bound(held_, after, {}, &Leaving::after);
  held_.insert(at, {after, std::move(message), std::move(path)});
}

void Outbox::durable(WriteId id) { durable_ = std::max(durable_, id); }

void Outbox::release() {
  while (!held_.empty() && held_.front().after <= durable_) {
    Leaving leaving = std::move(held_.front());
    held_.pop_front();
    pass_on(std::move(leaving));
  }
}

void Outbox::flush() {
  release();
  std::vector<Leaving> answers;
  answers.swap(answers_);
  for (Leaving& answer : answers)
    pass_on(std::move(answer));
  flush_transport();
}

void Outbox::flush_transport() {
  if (closed_ || !std::exchange(gathered_, false)) return;
  guarded([&] { transport_.flush(); });
}

// What a transport or a path throws costs a message; what Keel finds wrong with itself is the node's end.
template <class Call>
void Outbox::guarded(Call call) {
  try {
    call();
  } catch (const InvariantBroken&) {
    throw;
  } catch (...) {
    ++caught_;
  }
}

void Outbox::pass_on(Leaving leaving) {
  if (closed_) return;
  guarded([&] {
    if (leaving.path != nullptr) {
      (*leaving.path)(std::move(leaving.message));
    } else {
      gathered_ = true;
      transport_.send(std::move(leaving.message));
    }
  });
}

void Outbox::members(GroupId group, std::span<const Member> members) {
  if (!closed_) guarded([&] { transport_.members(group, members); });
}

void Outbox::close() {
  closed_ = true;
  held_.clear();
  answers_.clear();
}

}  // namespace keel
