#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "keel/port/observer.hpp"
#include "keel/sim/messages.hpp"
#include "keel/sim/timeline.hpp"

namespace keel::sim {

enum class TraceKind : std::uint8_t {
  sent,
  held,
  delivered,
  lost,
  event,   // of a node: role, term, commit, error, …
  writes,  // handed to a node's store
  durable,
  applied,
  life,    // start, crash, pause, clock
  fault,   // what the simulation does to disks and networks
  client,  // commands and reads: asked, answered
  state,   // what a node is, when that has changed
};
[[nodiscard]] std::string_view to_string(TraceKind kind);

// What a picture shows of a node.
struct NodeView {
  NodeId id;
  bool up = false;
  bool paused = false;
  bool failed = false;  // inert after an error
  RoleName role = RoleName::follower;
  bool pre_vote = false;  // a candidate that only rehearses
  bool ready = false;     // leads, and its term-start entry is applied
  Term term;
  NodeId vote{};
  NodeId leader{};
  Index commit;
  Index last;
  Index stable;   // durable
  Index applied;  // a change of these two alone is not told: `durable` and `applied` say so
};
// `down`, `failed`, or its role, of which `pre_candidate` is one.
[[nodiscard]] std::string_view role_word(const NodeView& state);
// Whether a picture has nothing new to show.
[[nodiscard]] bool looks_like(const NodeView& a, const NodeView& b);

// Something that happened. Points at what it is about only while it is being told.
struct TraceEvent {
  SimTime at;
  TraceKind kind;
  NodeId node;  // where; nobody: the world
  const PeerMessage* message = nullptr;
  std::uint64_t id = 0;  // of the message: the same when it is sent, held, delivered or lost, and in each repetition
  const keel::Event* event = nullptr;
  const NodeView* state = nullptr;
  NodeId other{};              // of a cut: whom `node` does not reach
  std::uint64_t number = 0;    // an index, a command's number
  std::string_view name = {};  // which life, fault or client event it is
  std::string_view text = {};  // what the above does not say
};

// The event as one line of text, without a line break.
[[nodiscard]] std::string text_line(const TraceEvent& event);
// The same as one JSON object, as in docs/formats-trace.md.
[[nodiscard]] std::string json_line(const TraceEvent& event);

// The first and the last line of such a file. `wall`: when the time of its events begins, since the Unix epoch, if that
// means anything; `failure`: how it ended, empty if well.
[[nodiscard]] std::string json_begin(std::string_view title, std::optional<std::chrono::nanoseconds> wall = {});
[[nodiscard]] std::string json_end(std::string_view failure);

// Everything that happens is told to sinks, in order.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void on_trace(const TraceEvent& event) = 0;
  // Whether TraceKind::state is told too: it costs a look at the node in each step.
  [[nodiscard]] virtual bool wants_states() const { return false; }
};

// Keeps the last lines, and a digest of all.
class TailTrace final : public TraceSink {
 public:
  explicit TailTrace(std::size_t lines) : limit_(lines) {}
  void on_trace(const TraceEvent& event) override;
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  std::size_t limit_;
  std::deque<std::string> lines_;
  std::uint64_t digest_ = 0;
};

}  // namespace keel::sim
