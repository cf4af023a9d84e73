#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sim {

// One object of JSON without objects in it, as a trace has them, a line each.
class TraceLine {
 public:
  // Nothing if it is no such object.
  static std::optional<TraceLine> parse(std::string_view text);

  // A value as it is written, quotes and all; empty if it is not there.
  [[nodiscard]] std::string_view raw(std::string_view name) const;
  // The same without quotes, for words that need no escapes.
  [[nodiscard]] std::string_view word(std::string_view name) const;
  // What a string says.
  [[nodiscard]] std::string string(std::string_view name) const;
  [[nodiscard]] std::int64_t number(std::string_view name) const;  // 0 if it is none
  // Instead of the value that is there.
  void set(std::string_view name, std::int64_t value);
  [[nodiscard]] std::string text() const;

 private:
  struct Field {
    std::string name;
    std::string value;
  };
  std::vector<Field> fields_;
};

}  // namespace keel::sim
