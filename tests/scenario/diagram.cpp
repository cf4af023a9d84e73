#include "diagram.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace keel::sim::test {
namespace {

constexpr Duration worth_telling = std::chrono::milliseconds(10);

// Suite.Test, without what a suite is instantiated with.
std::string this_test() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string suite = info->test_suite_name();
  const std::string test = info->name();
  return suite.substr(suite.find('/') + 1) + "." + test.substr(0, test.find('/'));
}

// What only looks whether the other is there.
bool is_probe(const PeerMessage& message) {
  const Message* inner = protocol_of(message);
  const auto* append = inner == nullptr ? nullptr : std::get_if<AppendRequest>(&inner->body);
  return append != nullptr && append->entries.empty();
}

bool is_beat(const PeerMessage& message) {
  const Message* inner = protocol_of(message);
  return inner != nullptr &&
         (std::holds_alternative<Heartbeat>(inner->body) || std::holds_alternative<HeartbeatReply>(inner->body));
}

}  // namespace

std::unique_ptr<Diagram> Diagram::of_this_test() {
  static std::string last;
  const char* const folder = std::getenv("KEEL_SCENARIO_DIAGRAMS");
  if (folder == nullptr || std::exchange(last, this_test()) == this_test()) return nullptr;
  std::FILE* const file = std::fopen((std::string(folder) + "/" + last + ".mmd").c_str(), "w");
  EXPECT_NE(file, nullptr) << "cannot write into " << folder;
  return file == nullptr ? nullptr : std::unique_ptr<Diagram>(new Diagram(file));
}

Diagram::~Diagram() {
  writer_.finish("");
  std::fclose(file_);
}

bool Diagram::is_shown(const TraceEvent& event) {
  switch (event.kind) {
    case TraceKind::held: chosen_.insert(event.id); return true;
    case TraceKind::delivered: return !is_beat(*event.message) || chosen_.contains(event.id);
    case TraceKind::lost:
      return event.text == to_string(Loss::script) || (!is_beat(*event.message) && !is_probe(*event.message));
    case TraceKind::life: return event.name != "finds";
    case TraceKind::fault:
    case TraceKind::client:
    case TraceKind::state: return true;
    default: return false;
  }
}

void Diagram::begin(SimTime at) {
  begun_ = true;
  last_ = at;
  for (const NodeView& state : states_)
    writer_.on_trace({.at = at, .kind = TraceKind::state, .node = state.id, .state = &state});
}

void Diagram::on_trace(const TraceEvent& event) {
  if (event.kind == TraceKind::state && !begun_) {
    const auto known = std::ranges::find(states_, event.node, &NodeView::id);
    const bool first = known == states_.end();
    if (first || !looks_) {
      (first ? states_.emplace_back() : *known) = *event.state;
      return;
    }
  }
  if (!looks_ || !is_shown(event)) return;
  if (!begun_) begin(event.at);
  if (const Duration passed = event.at - last_; passed >= worth_telling) {
    const std::string text = fmt::format("{} ms later", passed / std::chrono::milliseconds(1));
    writer_.on_trace({.at = event.at, .kind = TraceKind::fault, .node = nobody, .text = text});
  }
  last_ = event.at;
  writer_.on_trace(event);
}

}  // namespace keel::sim::test
