#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// An object that is written field by field, each of them once.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& number(std::string_view key, double value);                 // null unless finite
  JsonObject& number(std::string_view key, std::optional<double> value);  // left out if empty
  JsonObject& raw(std::string_view key, std::string_view json);
  [[nodiscard]] std::string str() const { return "{" + fields_ + "}"; }

 private:
  std::string fields_;
};

[[nodiscard]] std::string json_text(std::string_view value);
[[nodiscard]] std::string json_number(double value);
[[nodiscard]] std::string json_array(const std::vector<std::string>& items);

}  // namespace bench
