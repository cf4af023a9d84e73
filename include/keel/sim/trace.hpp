#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
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
};
[[nodiscard]] std::string_view to_string(TraceKind kind);

// Something that happened. Points at what it is about only while it is being told.
struct TraceEvent {
  SimTime at;
  TraceKind kind;
  NodeId node;  // where; nobody: the world
  const PeerMessage* message = nullptr;
  const keel::Event* event = nullptr;
  std::uint64_t number = 0;    // an index, a command's number
  std::string_view text = {};  // what the above does not say
};

// The event as one line of text, without a line break.
[[nodiscard]] std::string text_line(const TraceEvent& event);
// The same as one JSON object: `at` (nanoseconds), `kind`, `node`, and those of `type`, `from`, `to`, `term`, `event`,
// `number`, `text` that it has.
[[nodiscard]] std::string json_line(const TraceEvent& event);

// Everything that happens is told to sinks, in order.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void on_trace(const TraceEvent& event) = 0;
};

enum class TraceFormat : std::uint8_t { text, json };

// Writes lines to a file.
class FileTrace final : public TraceSink {
 public:
  FileTrace(std::FILE* file, TraceFormat format) : file_(file), format_(format) {}
  void on_trace(const TraceEvent& event) override;

 private:
  std::FILE* file_;
  TraceFormat format_;
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
