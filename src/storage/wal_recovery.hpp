#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/log_state.hpp"

namespace keel {

// What a directory's files amount to.
struct RecoveredLog {
  Recovered report;
  LogState state;
  std::deque<Segment> segments;     // those that are live, by sequence, without gaps; the last may be filled on
  std::optional<Segment> next;      // made ready, and not yet begun
  std::vector<Segment> spares;      // no longer needed
  std::vector<std::string> debris;  // files that were never finished, to be removed
  std::unique_ptr<File> vote_file;
  VoteSlot vote;  // the newer, and which slot it is in
  std::size_t vote_slot = 0;
};

// Reads the directory. Writes only the vote file, which afterwards vouches for all that was found, and which vote.
// Errors: as WriteAheadLog::open.
Result<RecoveredLog> recover_log(Disk& disk, const LogIdentity& identity);

}  // namespace keel
