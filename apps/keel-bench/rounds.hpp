#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keel-bench/row.hpp"
#include "keel-bench/servers.hpp"

namespace bench {

struct NamedLoad {
  std::string name;
  Load load;
};

// One contender and the loads it is put under, one after the other, on servers started anew for each round.
struct Plan {
  Contender contender;
  std::vector<NamedLoad> loads;
};

// Round by round, every contender in each: what the machine does beside hits all of them alike. Adds a row for each
// load. Error: the first that a contender ended with.
[[nodiscard]] keel::Result<void> run_rounds(const std::vector<Plan>& plans, int rounds,
                                            const std::filesystem::path& folder, Report& report);

// What the report's rows say of keelkv against its peers, as far as they are there and none of their commands failed.
[[nodiscard]] std::vector<Ratio> ratios_of(const Report& report);
// Says whose ratios are left out for that.
void note_failures(Report& report);
// Says so if others used more than a twentieth of the machine.
void note_other_load(Report& report);

}  // namespace bench
