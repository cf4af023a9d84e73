#pragma once

#include <string>
#include <utility>
#include <vector>

#include "keel-bench/row.hpp"
#include "keel/base/error.hpp"

namespace bench {

// The fields of an object that holds only numbers and plain texts, in their order; none if it is no such object.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> fields_of(const std::string& json_line);
// What a line that `keel-bench core --json` and its like print says, as a row. Error: `corrupt`.
[[nodiscard]] keel::Result<Row> row_of(const std::string& json_line);
// Runs this program with such a bench, its name and its flags, in a process of its own. Error: `io`, `corrupt`.
[[nodiscard]] keel::Result<std::vector<Row>> run_part(const std::string& bench, int runs);

}  // namespace bench
