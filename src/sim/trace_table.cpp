#include <fmt/format.h>

#include "sim/trace_writers.hpp"

namespace keel::sim {
namespace {

constexpr std::size_t cell_width = 31;

std::string cell(const NodeView& state, bool changed) {
  std::string text = (changed ? "*" : " ") + std::string(role_word(state));
  if (state.up && !state.failed) {
    text = fmt::format("{:<14} t{} {}/{}", text, state.term.value(), state.commit.value(), state.last.value());
  }
  if (state.paused) text += " paused";
  return fmt::format("{:<{}}", text, cell_width);
}

std::string seconds(SimTime at) {
  return fmt::format("{:>12.6f}", std::chrono::duration<double>(at.time_since_epoch()).count());
}

}  // namespace

void TableTrace::head() {
  begun_ = true;
  write_line(file_, title_);
  write_line(file_, "role, term, commit/last; * has changed");
  std::string line = "     seconds ";
  for (const Column& node : nodes_)
    line += fmt::format(" {:<{}}", fmt::format("node {}", node.state.id.value()), cell_width - 1);
  write_line(file_, line);
}

// What happens at one moment is one line.
void TableTrace::flush() {
  if (!begun_) head();
  if (!cuts_.empty()) write_line(file_, seconds(at_) + "  --" + std::exchange(cuts_, {}));
  std::string line = seconds(at_) + " ";
  bool changed = false;
  for (Column& node : nodes_) {
    changed = changed || node.changed;
    line += cell(node.state, std::exchange(node.changed, false));
  }
  if (changed) write_line(file_, line.substr(0, line.find_last_not_of(' ') + 1));
}

void TableTrace::on_trace(const TraceEvent& event) {
  if (event.at != at_) {
    flush();
    at_ = event.at;
  }
  if (event.kind == TraceKind::state) {
    const auto place = static_cast<std::size_t>(event.node.value()) - 1;
    if (place >= nodes_.size()) nodes_.resize(place + 1);
    nodes_[place] = {*event.state, true};
  } else if (event.other != nobody) {
    cuts_ += fmt::format(" {} {}→{}", event.name, event.node.value(), event.other.value());
  } else if (event.kind == TraceKind::life || event.kind == TraceKind::fault) {
    if (!begun_) head();
    const std::string where = event.node == nobody ? std::string() : fmt::format(" node {}:", event.node.value());
    write_line(file_, fmt::format("{}  --{} {}{}{}", seconds(event.at), where, event.name,
                                  event.name.empty() || event.text.empty() ? "" : " ", event.text));
  }
}

void TableTrace::finish(std::string_view failure) {
  flush();
  if (!failure.empty()) write_line(file_, "failed: " + std::string(failure));
}

}  // namespace keel::sim
