#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keel/sim/trace_writer.hpp"

namespace keel::sim {

void write_line(std::FILE* file, std::string_view line);
// The first and the last line of JSON.
[[nodiscard]] std::string json_begin(std::string_view title);
[[nodiscard]] std::string json_end(std::string_view failure);

// A line for each moment at which some node has changed, with all nodes in it, and between them what was done to them.
class TableTrace final : public TraceWriter {
 public:
  TableTrace(std::FILE* file, std::string_view title) : file_(file), title_(title) {}
  void on_trace(const TraceEvent& event) override;
  void finish(std::string_view failure) override;

 private:
  struct Column {
    NodeView state;
    bool changed = false;
  };
  void head();
  void flush();

  std::FILE* file_;
  std::string title_;
  bool begun_ = false;
  SimTime at_{};
  std::vector<Column> nodes_;
  std::string cuts_;  // made and mended at this moment
};

// A sequence diagram of the last lines: what a browser can still draw.
class MermaidTrace final : public TraceWriter {
 public:
  static constexpr std::size_t max_lines = 400;
  MermaidTrace(std::FILE* file, std::string_view title, std::size_t limit = max_lines)
      : file_(file), title_(title), limit_(limit) {}
  void on_trace(const TraceEvent& event) override;
  void finish(std::string_view failure) override;

 private:
  void add(std::string line);
  void message(const TraceEvent& event, std::string_view arrow);
  void state(const NodeView& now);
  void cut(const TraceEvent& event);
  void tell_cuts();
  [[nodiscard]] std::string over_all() const;

  std::FILE* file_;
  std::string title_;
  std::size_t limit_;
  std::vector<NodeView> nodes_;
  std::set<std::pair<NodeId, NodeId>> cuts_;
  std::vector<std::pair<NodeId, NodeId>> changed_;  // cut or mended at one moment, and not told yet
  std::string change_;
  SimTime changed_at_{};
  std::deque<std::string> lines_;
  std::uint64_t left_out_ = 0;
  bool shaded_before_ = false;  // the lines left out end within a partition
};

// A page with the trace as JSON lines in it; the rest is in src/sim/page/.
class PageTrace final : public TraceWriter {
 public:
  PageTrace(std::FILE* file, std::string_view title);
  void on_trace(const TraceEvent& event) override { write_line(file_, json_line(event)); }
  void finish(std::string_view failure) override;

 private:
  std::FILE* file_;
};

}  // namespace keel::sim
