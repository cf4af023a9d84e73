#include "keel/sim/trace.hpp"

#include <fmt/format.h>

#include "sim/digest.hpp"

namespace keel::sim {
namespace {

std::string subject(const TraceEvent& event) {
  if (event.message != nullptr) return short_form(*event.message);
  if (event.event != nullptr) return keel::describe(*event.event);
  return event.number == 0 ? std::string() : fmt::format("#{}", event.number);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

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
  }
  return "event";
}

std::string text_line(const TraceEvent& event) {
  const auto nanoseconds = event.at.time_since_epoch().count();
  const std::string node = event.node == nobody ? std::string("-") : std::to_string(event.node.value());
  std::string line = fmt::format("{:>4}.{:09} {:>2} {:<9} {}", nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000,
                                 node, to_string(event.kind), subject(event));
  if (!event.text.empty()) line.append(line.back() == ' ' ? "" : " ").append(event.text);
  return line;
}

std::string json_line(const TraceEvent& event) {
  std::string line = fmt::format(R"({{"at":{},"kind":"{}","node":{})", event.at.time_since_epoch().count(),
                                 to_string(event.kind), event.node.value());
  if (event.message != nullptr) {
    const Message* inner = protocol_of(*event.message);
    line += fmt::format(R"(,"type":"{}","from":{},"to":{},"term":{},"message":{})", name_of(*event.message),
                        event.message->from.value(), event.message->to.value(),
                        inner == nullptr ? 0 : inner->term.value(), quoted(short_form(*event.message)));
  }
  if (event.event != nullptr) line += fmt::format(R"(,"event":{})", quoted(keel::describe(*event.event)));
  if (event.number != 0) line += fmt::format(R"(,"number":{})", event.number);
  if (!event.text.empty()) line += fmt::format(R"(,"text":{})", quoted(event.text));
  return line + "}";
}

void FileTrace::on_trace(const TraceEvent& event) {
  const std::string line = format_ == TraceFormat::text ? text_line(event) : json_line(event);
  std::fprintf(file_, "%s\n", line.c_str());
}

void TailTrace::on_trace(const TraceEvent& event) {
  lines_.push_back(text_line(event));
  digest_ = mix(digest_, digest_of(lines_.back()));
  if (lines_.size() > limit_) lines_.pop_front();
}

}  // namespace keel::sim
