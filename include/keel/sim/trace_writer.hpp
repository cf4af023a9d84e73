#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keel/sim/trace.hpp"

namespace keel::sim {

enum class TraceFormat : std::uint8_t {
  text,     // a line an event
  json,     // an object a line: docs/formats-trace.md
  table,    // what each node is, a line for each moment at which that changed
  mermaid,  // a sequence diagram, of short runs
  html,     // a page to look through in a browser
};
inline constexpr std::string_view trace_format_names = "text, json, table, mermaid, html";
[[nodiscard]] std::optional<TraceFormat> trace_format(std::string_view name);
// By its extension: .jsonl or .json, .table, .mmd or .mermaid, .html or .htm; text if it is none of them.
[[nodiscard]] TraceFormat trace_format_of_file(std::string_view path);

// Writes what happens to a file, as it happens: nothing is kept back but a line that is not finished.
class TraceWriter : public TraceSink {
 public:
  [[nodiscard]] bool wants_states() const override { return true; }
  // How the run ended; `failure` is empty if it went well. Once, behind everything else; without it a page or a diagram
  // is not whole.
  virtual void finish(std::string_view failure) = 0;
};

// The file is the caller's, to be closed after the writer is gone; `title` says what run it is.
[[nodiscard]] std::unique_ptr<TraceWriter> make_trace_writer(std::FILE* file, TraceFormat format,
                                                             std::string_view title);

}  // namespace keel::sim
