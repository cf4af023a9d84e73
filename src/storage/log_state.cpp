#include "storage/log_state.hpp"

#include <algorithm>
#include <functional>

#include "keel/base/assert.hpp"

namespace keel {

std::size_t Segment::footer_bytes() const { return footer_bound(terms, configurations, points, base_size); }

std::size_t Segment::footer_bytes_with(const RecordHead& head) const {
  const auto added = static_cast<std::size_t>(std::ranges::count(head.frames, true, &RecordHead::Frame::configuration));
  const std::size_t more_points = head.frames.empty() ? 0 : 1 + head.frames_size / point_spacing;
  return footer_bound(terms + head.terms.size(), configurations + added, points + more_points,
                      head.base ? encoded_size(*head.base) : base_size);
}

bool LogState::apply(const RecordHead& head, Segment& segment, std::uint64_t offset) {
  if (head.hard_state) hard_state_ = *head.hard_state;
  if (head.resets) {
    reset(head.base->base);  // which may have been compacted since, in the same record
    last_ = head.first.previous();
    segment.resets = true;
    segment.first.reset();
    segment.truncate_from.reset();
  }
  if (head.truncate_from) {
    truncate_from(*head.truncate_from);
    if (segment.first >= head.truncate_from) segment.first.reset();
    segment.truncate_from = std::min(segment.truncate_from.value_or(*head.truncate_from), *head.truncate_from);
  }
  if (std::exchange(anywhere_, false)) last_ = head.first.previous();
  if (head.first != last_.next()) return false;
  append(head, segment, offset);
  if (head.base) {
    segment.base = head.base;
    segment.base_size = encoded_size(*head.base);
    if (head.base->base.position.index > last_) return false;
    compact(head.base->base);
  }
  return true;
}

bool LogState::apply(const SegmentFooter& footer, Segment& segment) {
  hard_state_ = footer.hard_state;
  if (footer.resets) reset(footer.base->base);
  if (footer.truncate_from) truncate_from(*footer.truncate_from);
  if (std::exchange(anywhere_, false) || footer.resets) last_ = footer.first.previous();
  const bool has_entries = footer.first <= footer.last;
  if (footer.first != last_.next()) return false;
  for (const TermRun& run : footer.terms) {
    if (terms_.empty() || terms_.back().term != run.term) terms_.push_back(run);
  }
  for (const FooterConfiguration& each : footer.configurations) {
    configurations_.push_back({each.index, segment.sequence(), each.offset, each.size, {}});
  }
  for (const FooterPoint& each : footer.points) {
    if (each.index > footer.last || (!points_.empty() && points_.back().index >= each.index)) return false;
    points_.push_back({each.index, segment.sequence(), each.offset, each.frames_end});
  }
  if (has_entries && (footer.points.empty() || footer.points.front().index > footer.first)) return false;
  last_ = footer.last;
  if (has_entries) segment.first = footer.first;
  new_point_ = true;
  if (footer.base) {
    segment.base = footer.base;
    segment.base_size = encoded_size(*footer.base);
    if (footer.base->base.position.index > last_) return false;
    compact(footer.base->base);
  }
  return true;
}

void LogState::keep_configuration(const Entry& entry) {
  const auto found = std::ranges::lower_bound(configurations_, entry.index, {}, &KnownConfiguration::index);
  if (found != configurations_.end() && found->index == entry.index) found->entry = entry;
}

SegmentFooter LogState::footer_of(const Segment& segment) const {
  SegmentFooter footer;
  footer.header = segment.header;
  footer.chain_before = segment.chain_before;
  footer.chain_after = segment.chain_after;
  footer.records_end = static_cast<std::uint32_t>(segment.records_end);
  footer.hard_state = hard_state_;
  footer.base = segment.base;
  footer.resets = segment.resets;
  footer.truncate_from = segment.truncate_from;
  footer.first = std::max(segment.first.value_or(last_.next()), base_.position.index.next());
  footer.last = last_;
  for (const TermRun& run : terms_) {
    if (run.first <= footer.first) footer.terms.clear();
    footer.terms.push_back({std::max(run.first, footer.first), run.term});
  }
  if (footer.first > footer.last) footer.terms.clear();
  for (const KnownConfiguration& each : configurations_) {
    if (each.index >= footer.first) footer.configurations.push_back({each.index, each.offset, each.size});
  }
  for (auto point = points_.rbegin(); point != points_.rend() && point->segment == segment.sequence(); ++point) {
    footer.points.push_back({point->index, point->offset, point->frames_end});
  }
  std::ranges::reverse(footer.points);
  return footer;
}

Term LogState::term_at(Index index) const {
  if (index == base_.position.index) return base_.position.term;
  const auto after = std::ranges::upper_bound(terms_, index, {}, &TermRun::first);
  KEEL_ASSERT(after != terms_.begin() && index <= last_, "only entries that are there have a term");
  return std::prev(after)->term;
}

const Point& LogState::point_before(Index index) const {
  const auto after = std::ranges::upper_bound(points_, index, {}, &Point::index);
  KEEL_ASSERT(after != points_.begin() && index <= last_, "only entries that are there have a place");
  return *std::prev(after);
}

Index LogState::next_point(Index index) const {
  const auto after = std::ranges::upper_bound(points_, index, {}, &Point::index);
  return after == points_.end() ? last_.next() : after->index;
}

bool LogState::has_gap() const {
  if (last_ <= base_.position.index) return false;
  return points_.empty() || points_.front().index > base_.position.index.next() ||
         terms_.front().first > base_.position.index.next();
}

void LogState::reset(const LogBase& base) {
  base_ = base;
  last_ = base.position.index;
  anywhere_ = false;
  new_point_ = true;
  terms_.clear();
  configurations_.clear();
  points_.clear();
  untrusted_.clear();
}

void LogState::truncate_from(Index index) {
  if (index > last_) return;
  last_ = index.previous();
  new_point_ = true;
  const auto drop = [index](auto& list, auto member) {
    while (!list.empty() && std::invoke(member, list.back()) >= index) {
      list.pop_back();
    }
  };
  drop(terms_, &TermRun::first);
  drop(configurations_, &KnownConfiguration::index);
  drop(points_, &Point::index);
  drop(untrusted_, std::identity{});
}

void LogState::compact(const LogBase& base) {
  const Index first = base.position.index.next();
  base_ = base;
  const auto behind = std::ranges::upper_bound(terms_, first, {}, &TermRun::first);
  if (behind != terms_.begin()) terms_.erase(terms_.begin(), std::prev(behind));
  if (!terms_.empty()) terms_.front().first = std::max(terms_.front().first, first);
  std::erase_if(configurations_, [first](const KnownConfiguration& each) { return each.index < first; });
  std::erase_if(untrusted_, [first](Index each) { return each < first; });
  while (points_.size() > 1 && points_[1].index <= first) {
    points_.pop_front();
  }
  if (last_ < first) {
    terms_.clear();
    points_.clear();
    new_point_ = true;
  }
}

void LogState::append(const RecordHead& head, Segment& segment, std::uint64_t offset) {
  for (const TermRun& run : head.terms) {
    if (terms_.empty() || terms_.back().term != run.term) terms_.push_back(run);
  }
  segment.terms += head.terms.size();
  std::uint64_t at = offset + head.head_size;
  const auto end = static_cast<std::uint32_t>(at + head.frames_size);
  for (const RecordHead::Frame& frame : head.frames) {
    ++last_;
    const auto here = static_cast<std::uint32_t>(at);
    if (new_point_ || points_.empty() || points_.back().segment != segment.sequence() ||
        here - points_.back().offset >= point_spacing) {
      points_.push_back({last_, segment.sequence(), here, end});
      ++segment.points;
      new_point_ = false;
    }
    if (frame.configuration) {
      configurations_.push_back({last_, segment.sequence(), here, frame.size, {}});
      ++segment.configurations;
    }
    at += frame.size;
  }
  if (!head.frames.empty() && !segment.first) segment.first = head.first;
}

}  // namespace keel
