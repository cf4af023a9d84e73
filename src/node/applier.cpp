#include "node/applier.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/wire/envelope.hpp"

namespace keel {
namespace {

// A store may be the user's own: only what Raft knows to be committed there is applied, whatever it hands out.
Result<std::vector<Entry>> check_read(const Log& log, IndexRange wanted, std::vector<Entry> found) {
  if (found.empty()) {
    return fail(ErrorCode::corrupt, fmt::format("the log store was asked for entries {} to {} and gave none",
                                                wanted.first.value(), wanted.last.value()));
  }
  Index expected = wanted.first;
  for (const Entry& entry : found) {
    if (entry.index != expected || entry.index > wanted.last || !log.has({entry.term, entry.index})) {
      return fail(ErrorCode::corrupt,
                  fmt::format("the log store was asked for entries {} to {} and gave entry {} of term {} in the place "
                              "of entry {}",
                              wanted.first.value(), wanted.last.value(), entry.index.value(), entry.term.value(),
                              expected.value()));
    }
    ++expected;
  }
  return found;
}

}  // namespace

Applier::Applier(LogStore& log, StateMachine& machine, Limits limits, Index base, Index applied, ApplySink& sink)
    : log_(log),
      machine_(machine),
      limits_(limits),
      left_(limits),
      sink_(sink),
      position_(base),
      target_(base),
      machine_at_(applied) {}

void Applier::extend(IndexRange range) {
  KEEL_ASSERT(range.first == target_.next(), "ranges to apply follow one another");
  target_ = range.last;
}

void Applier::pass_over() { position_ = std::max(position_, std::min(target_, machine_at_)); }

void Applier::run(const Raft& raft, const std::weak_ptr<const void>& alive) {
  running_ = true;
  pass_over();
  while (has_more() && left_.entries > 0 && left_.bytes > 0) {
    if (!read_.empty()) {
      start(std::exchange(read_, {}), alive);
      continue;
    }
    const auto cached = raft.cached({position_.next(), target_}, left_.bytes);
    if (cached.empty()) {
      read_log(raft, alive);
    } else {
      const auto entries = cached.first(std::min(cached.size(), left_.entries));
      batch_.assign(entries.begin(), entries.end());
      start(std::move(batch_), alive);
    }
  }
  running_ = false;
}

// `raft` lives as long as what `alive` guards.
void Applier::read_log(const Raft& raft, const std::weak_ptr<const void>& alive) {
  busy_ = true;
  const std::uint64_t call = ++call_;
  const IndexRange wanted = IndexRange{position_.next(), target_}.first_few(limits_.entries);
  log_.read(wanted, limits_.bytes, [this, &raft, wanted, call, alive](Result<std::vector<Entry>> found) {
    if (alive.expired() || call != call_ || stopped_) return;
    busy_ = false;
    if (found) found = check_read(raft.log(), wanted, std::move(*found));
    if (!found) {
      stopped_ = true;
      return sink_.log_unreadable(std::move(found).error());
    }
    read_ = std::move(*found);
    if (!running_) sink_.wake();
  });
}

void Applier::start(std::vector<Entry> entries, const std::weak_ptr<const void>& alive) {
  KEEL_ASSERT(!entries.empty() && entries.front().index == position_.next(), "entries are applied in order");
  batch_ = std::move(entries);
  commands_.clear();
  for (const Entry& entry : batch_) {
    left_.bytes -= std::min(left_.bytes, entry.payload.size());
    if (is_for_machine(entry.kind)) {
      const Envelope envelope = wire::envelope_of(entry.payload);
      commands_.push_back(
          {entry.index, entry.term, entry.kind, entry.payload.bytes(), envelope, sink_.context_of(entry, envelope)});
    } else if (!is_for_raft(entry.kind)) {
      sink_.skipped(entry);
    }
  }
  left_.entries -= std::min(left_.entries, batch_.size());
  busy_ = true;
  const std::uint64_t call = ++call_;
  if (commands_.empty()) return finish(Replies{});
  try {
    machine_.apply(commands_, batch_end(), [this, call, alive](Result<Replies> replies) {
      if (alive.expired() || call != call_ || !busy_ || stopped_) return;
      finish(std::move(replies));
      if (!running_) sink_.wake();
    });
  } catch (const std::exception& e) {
    broken({ErrorCode::failed, fmt::format("the state machine threw: {}", e.what())});
  } catch (...) {
    broken({ErrorCode::failed, "the state machine threw something that is no std::exception"});
  }
}

void Applier::finish(Result<Replies> replies) {
  if (!replies) return broken(std::move(replies).error());
  if (replies->size() != commands_.size()) {
    return broken({ErrorCode::failed,
                   fmt::format("the state machine gave {} replies to {} commands", replies->size(), commands_.size())});
  }
  busy_ = false;
  position_ = batch_end();
  std::size_t next = 0;
  for (const Entry& entry : batch_) {
    const bool seen = next < commands_.size() && commands_[next].index == entry.index;
    sink_.applied(entry, seen ? &commands_[next].envelope : nullptr, seen ? &(*replies)[next] : nullptr);
    if (seen) ++next;
  }
  commands_.clear();
  batch_.clear();
}

void Applier::broken(Error error) {
  if (stopped_) return;
  stopped_ = true;
  sink_.machine_failed(commands_.empty() ? position_.next() : commands_.front().index, std::move(error));
}

}  // namespace keel
