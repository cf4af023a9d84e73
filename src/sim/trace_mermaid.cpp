#include <algorithm>

#include <fmt/format.h>

#include "sim/trace_writers.hpp"

namespace keel::sim {
namespace {

constexpr std::size_t max_text = 100;  // bytes of a note
constexpr std::string_view shade = "rect rgb(255, 232, 226)";

// What Mermaid would read as its own: entities begin with `#`, comments with `%%`, statements end with `;` or the line.
std::string plain(std::string_view text) {
  std::string out;
  const bool whole = text.size() <= max_text;
  if (!whole) {
    std::size_t end = max_text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u)
      --end;  // no half characters
    text = text.substr(0, end);
  }
  for (const char c : text) {
    if (c == '#') {
      out += "#35;";
    } else if (c == ';') {
      out += "#59;";
    } else if (c == '%') {
      out += "#37;";
    } else if (c == '<') {
      out += "#lt;";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  if (!whole) out += "…";
  return out;
}

// A message's line has its way in it, which the arrow shows.
std::string without_way(const PeerMessage& message) {
  std::string text = short_form(message);
  const std::string way = fmt::format(" {}→{}", message.from.value(), message.to.value());
  if (const std::size_t at = text.find(way); at != std::string::npos) text.erase(at, way.size());
  return text;
}

}  // namespace

void MermaidTrace::add(std::string line) {
  lines_.push_back(std::move(line));
  if (lines_.size() <= limit_) return;
  if (lines_.front() == shade) shaded_before_ = true;
  if (lines_.front() == "end") shaded_before_ = false;
  lines_.pop_front();
  ++left_out_;
}

std::string MermaidTrace::over_all() const {
  const std::uint64_t last = nodes_.empty() ? 1 : nodes_.back().id.value();
  return last == 1 ? "Note over n1: " : fmt::format("Note over n1,n{}: ", last);
}

void MermaidTrace::message(const TraceEvent& event, std::string_view arrow) {
  const std::string why = event.text.empty() ? "" : " (" + std::string(event.text) + ")";
  add(fmt::format("n{}{}n{}: {}{}", event.message->from.value(), arrow, event.message->to.value(),
                  plain(without_way(*event.message)), plain(why)));
}

void MermaidTrace::state(const NodeView& now) {
  const auto place = static_cast<std::size_t>(now.id.value()) - 1;
  if (place >= nodes_.size()) nodes_.resize(place + 1);
  const NodeView before = std::exchange(nodes_[place], now);
  std::string text;
  if (before.id == nobody || role_word(before) != role_word(now) || before.term != now.term) {
    text = std::string(role_word(now));
    if (now.up && !now.failed) text += fmt::format(" of term {}", now.term.value());
  }
  if (now.up && before.commit < now.commit) {
    text += fmt::format("{}commit {}", text.empty() ? "" : ", ", now.commit.value());
  }
  if (!text.empty()) add(fmt::format("Note over n{}: {}", now.id.value(), text));
}

// Ways are cut and mended in groups: one note for all of a moment, with those that go both ways said once.
void MermaidTrace::cut(const TraceEvent& event) {
  if (!changed_.empty() && (event.name != change_ || event.at != changed_at_)) tell_cuts();
  if (event.name == "cut" && cuts_.empty()) add(std::string(shade));
  change_ = event.name;
  changed_at_ = event.at;
  changed_.emplace_back(event.node, event.other);
  const auto way = changed_.back();
  if (event.name == "cut") {
    cuts_.insert(way);
  } else if (cuts_.erase(way) > 0 && cuts_.empty()) {
    tell_cuts();
    add("end");
  }
}

void MermaidTrace::tell_cuts() {
  if (changed_.empty()) return;
  std::string text;
  const auto has = [this](NodeId from, NodeId to) {
    return std::ranges::find(changed_, std::pair(from, to)) != changed_.end();
  };
  for (const auto& [from, to] : changed_) {
    const bool both = has(to, from);
    if (both && to < from) continue;
    text += fmt::format("{}{}{}{}", text.empty() ? " " : ", ", from.value(), both ? "↔" : "→", to.value());
  }
  changed_.clear();
  add(over_all() + change_ + text);
}

void MermaidTrace::on_trace(const TraceEvent& event) {
  if (event.other == nobody) tell_cuts();
  switch (event.kind) {
    case TraceKind::delivered: return message(event, "->>");
    case TraceKind::lost: return message(event, "--x");
    case TraceKind::held: return message(event, "--)");
    case TraceKind::state: return state(*event.state);
    case TraceKind::life:
    case TraceKind::fault:
      if (event.other != nobody) return cut(event);
      return add(fmt::format(
          "{}{}{}{}", event.node == nobody ? over_all() : fmt::format("Note over n{}: ", event.node.value()),
          plain(event.name), event.name.empty() || event.text.empty() ? "" : " ", plain(event.text)));
    case TraceKind::client:
      return add(fmt::format("Note right of n{}: #35;{} {} {}", event.node.value(), event.number, event.name,
                             plain(event.text)));
    default: return;  // each shows in a message or a state
  }
}

void MermaidTrace::finish(std::string_view failure) {
  tell_cuts();
  write_line(file_, "sequenceDiagram");
  if (!title_.empty()) write_line(file_, "title " + plain(title_));
  for (const NodeView& node : nodes_)
    write_line(file_, fmt::format("participant n{} as node {}", node.id.value(), node.id.value()));
  if (left_out_ > 0) {
    write_line(file_, fmt::format("{}{} lines before this are left out", over_all(), left_out_));
  }
  if (shaded_before_) write_line(file_, shade);
  for (const std::string& line : lines_)
    write_line(file_, line);
  if (!cuts_.empty()) write_line(file_, "end");
  if (!failure.empty()) write_line(file_, over_all() + "failed: " + plain(failure.substr(0, failure.find('\n'))));
}

}  // namespace keel::sim
