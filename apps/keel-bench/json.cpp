#include "keel-bench/json.hpp"

#include <cmath>

#include <fmt/format.h>

namespace bench {

std::string json_text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{:.10g}", value) : "null"; }

std::string json_array(const std::vector<std::string>& items) { return fmt::format("[{}]", fmt::join(items, ",")); }

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  if (!fields_.empty()) fields_ += ',';
  fields_ += json_text(key);
  fields_ += ':';
  fields_ += json;
  return *this;
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) { return raw(key, json_text(value)); }

JsonObject& JsonObject::number(std::string_view key, double value) { return raw(key, json_number(value)); }

JsonObject& JsonObject::number(std::string_view key, std::optional<double> value) {
  return value ? number(key, *value) : *this;
}

}  // namespace bench
