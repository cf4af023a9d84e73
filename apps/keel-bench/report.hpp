#pragma once

#include <string>

#include "keel-bench/machine.hpp"
#include "keel-bench/row.hpp"

namespace bench {

// A report in three forms: for people, for programs, and as one SVG file that needs nothing else.
[[nodiscard]] std::string as_table(const Report& report, const Machine& machine);
[[nodiscard]] std::string as_json(const Report& report, const Machine& machine);
[[nodiscard]] std::string as_picture(const Report& report, const Machine& machine);

// "123,456"; with a decimal below 100.
[[nodiscard]] std::string grouped(double value);
// What the machine is and was doing, in a line.
[[nodiscard]] std::string in_words(const Machine& machine);

}  // namespace bench
