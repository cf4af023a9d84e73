#include "keel/sim/trace_writer.hpp"

#include <array>

#include "sim/trace_writers.hpp"

namespace keel::sim {
namespace {

class TextTrace final : public TraceWriter {
 public:
  explicit TextTrace(std::FILE* file) : file_(file) {}

  // The events before it have said what changed.
  [[nodiscard]] bool wants_states() const override { return false; }
  void on_trace(const TraceEvent& event) override { write_line(file_, text_line(event)); }
  void finish(std::string_view failure) override {
    if (!failure.empty()) write_line(file_, "failed: " + std::string(failure));
  }

 private:
  std::FILE* file_;
};

class JsonTrace final : public TraceWriter {
 public:
  JsonTrace(std::FILE* file, std::string_view title) : file_(file) { write_line(file_, json_begin(title)); }

  void on_trace(const TraceEvent& event) override { write_line(file_, json_line(event)); }
  void finish(std::string_view failure) override { write_line(file_, json_end(failure)); }

 private:
  std::FILE* file_;
};

struct Named {
  std::string_view name;
  TraceFormat format;
};

constexpr std::array formats = {Named{"text", TraceFormat::text}, Named{"json", TraceFormat::json},
                                Named{"table", TraceFormat::table}, Named{"mermaid", TraceFormat::mermaid},
                                Named{"html", TraceFormat::html}};
constexpr std::array extensions = {Named{".jsonl", TraceFormat::json},      Named{".json", TraceFormat::json},
                                   Named{".table", TraceFormat::table},     Named{".mmd", TraceFormat::mermaid},
                                   Named{".mermaid", TraceFormat::mermaid}, Named{".html", TraceFormat::html},
                                   Named{".htm", TraceFormat::html}};

}  // namespace

void write_line(std::FILE* file, std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), file);
  std::fputc('\n', file);
}

std::optional<TraceFormat> trace_format(std::string_view name) {
  for (const Named& known : formats) {
    if (known.name == name) return known.format;
  }
  return std::nullopt;
}

TraceFormat trace_format_of_file(std::string_view path) {
  for (const Named& known : extensions) {
    if (path.ends_with(known.name)) return known.format;
  }
  return TraceFormat::text;
}

std::unique_ptr<TraceWriter> make_trace_writer(std::FILE* file, TraceFormat format, std::string_view title) {
  switch (format) {
    case TraceFormat::text: return std::make_unique<TextTrace>(file);
    case TraceFormat::json: return std::make_unique<JsonTrace>(file, title);
    case TraceFormat::table: return std::make_unique<TableTrace>(file, title);
    case TraceFormat::mermaid: return std::make_unique<MermaidTrace>(file, title);
    case TraceFormat::html: return std::make_unique<PageTrace>(file, title);
  }
  return nullptr;
}

}  // namespace keel::sim
