#include "keel/sim/trace.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "sim/digest.hpp"
#include "sim/trace_json.hpp"

namespace keel::sim {
namespace {

std::string subject(const TraceEvent& event) {
  if (event.message != nullptr) return short_form(*event.message);
  if (event.event != nullptr) return keel::describe(*event.event);
  if (event.other != nobody) return fmt::format("{}→{}", event.node.value(), event.other.value());
  return event.number == 0 ? std::string() : fmt::format("#{}", event.number);
}

std::string state_text(const NodeView& state) {
  return fmt::format("{}{}{} term {} vote {} leader {} last {} stable {} commit {} applied {}", role_word(state),
                     state.ready ? ", ready" : "", state.paused ? ", paused" : "", state.term.value(),
                     state.vote.value(), state.leader.value(), state.last.value(), state.stable.value(),
                     state.commit.value(), state.applied.value());
}

std::string state_json(const NodeView& state) {
  std::string text = fmt::format(R"(,"role":"{}")", role_word(state));
  if (!state.up) return text;
  if (state.paused) text += R"(,"paused":true)";
  if (state.failed) return text;
  if (state.ready) text += R"(,"ready":true)";
  text += fmt::format(R"(,"term":{})", state.term.value());
  if (state.vote != nobody) text += fmt::format(R"(,"vote":{})", state.vote.value());
  if (state.leader != nobody) text += fmt::format(R"(,"leader":{})", state.leader.value());
  return text + fmt::format(R"(,"last":{},"stable":{},"commit":{},"applied":{})", state.last.value(),
                            state.stable.value(), state.commit.value(), state.applied.value());
}

std::string message_json(const TraceEvent& event) {
  const Message* inner = protocol_of(*event.message);
  std::string text = fmt::format(R"(,"id":{},"type":"{}","from":{},"to":{})", event.id, name_of(*event.message),
                                 event.message->from.value(), event.message->to.value());
  if (inner != nullptr) text += fmt::format(R"(,"term":{})", inner->term.value());
  text += fmt::format(R"(,"message":{})", json_string(short_form(*event.message)));
  if (event.kind == TraceKind::sent && inner != nullptr) {
    text += fmt::format(R"(,"whole":{})", json_string(long_form(*inner)));
  }
  return text;
}

std::string event_json(const keel::Event& event) {
  std::string text;
  if (const auto* protocol = std::get_if<RaftEvent>(&event.what)) {
    text += fmt::format(R"(,"type":"{}")", name_of(*protocol));
  }
  return text + fmt::format(R"(,"event":{})", json_string(keel::describe(event)));
}

// Bytes of a UTF-8 character that begins here; 0 if none does. Replies and commands are whatever their owners like.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[i])) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0 && follows(1)) return 2;
  if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2)) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3)) {
    const bool outside = (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
    return outside ? 0 : 4;
  }
  return 0;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + '"';
}

std::string_view to_string(TraceKind kind) {
  switch (kind) {
    case TraceKind::sent: return "sent";
    case TraceKind::held: return "held";
    case TraceKind::delivered: return "delivered";
    case TraceKind::lost: return "lost";
    case TraceKind::event: return "event";
    case TraceKind::writes: return "writes";
    case TraceKind::durable: return "durable";
    case TraceKind::applied: return "applied";
    case TraceKind::life: return "life";
    case TraceKind::fault: return "fault";
    case TraceKind::client: return "client";
    case TraceKind::state: return "state";
  }
  return "event";
}

std::string_view role_word(const NodeView& state) {
  if (!state.up) return "down";
  if (state.failed) return "failed";
  if (state.role == RoleName::candidate && state.pre_vote) return "pre_candidate";
  return to_string(state.role);
}

bool looks_like(const NodeView& a, const NodeView& b) {
  const auto shown = [](const NodeView& s) {
    return std::tuple(s.id, s.up, s.paused, s.failed, s.role, s.pre_vote, s.ready, s.term, s.vote, s.leader, s.commit,
                      s.last);
  };
  return shown(a) == shown(b);
}

std::string text_line(const TraceEvent& event) {
  const auto nanoseconds = event.at.time_since_epoch().count();
  const std::string node = event.node == nobody ? std::string("-") : std::to_string(event.node.value());
  std::string line = fmt::format("{:>4}.{:09} {:>2} {:<9} {}", nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000,
                                 node, to_string(event.kind), subject(event));
  const auto add = [&line](std::string_view part) {
    if (!part.empty()) line.append(line.back() == ' ' ? "" : " ").append(part);
  };
  add(event.name);
  if (event.state != nullptr) add(state_text(*event.state));
  add(event.text);
  return line;
}

std::string json_line(const TraceEvent& event) {
  std::string line = fmt::format(R"({{"at":{},"kind":"{}","node":{})", event.at.time_since_epoch().count(),
                                 to_string(event.kind), event.node.value());
  if (event.message != nullptr) line += message_json(event);
  if (event.event != nullptr) line += event_json(*event.event);
  if (event.state != nullptr) line += state_json(*event.state);
  if (event.other != nobody) line += fmt::format(R"(,"to":{})", event.other.value());
  if (!event.name.empty()) line += fmt::format(R"(,"type":{})", json_string(event.name));
  if (event.number != 0) line += fmt::format(R"(,"number":{})", event.number);
  if (!event.text.empty()) line += fmt::format(R"(,"text":{})", json_string(event.text));
  return line + "}";
}

std::string json_begin(std::string_view title, std::optional<std::chrono::nanoseconds> wall) {
  return R"({"kind":"begin","schema":1,"title":)" + json_string(title) +
         (wall ? fmt::format(R"(,"wall":{})", wall->count()) : std::string()) + "}";
}

std::string json_end(std::string_view failure) {
  return R"({"kind":"end")" + (failure.empty() ? std::string() : R"(,"failure":)" + json_string(failure)) + "}";
}

void TailTrace::on_trace(const TraceEvent& event) {
  lines_.push_back(text_line(event));
  digest_ = mix(digest_, digest_of(lines_.back()));
  if (lines_.size() > limit_) lines_.pop_front();
}

}  // namespace keel::sim
