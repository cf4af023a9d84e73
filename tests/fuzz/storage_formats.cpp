// Whatever bytes stand in the places of the log's files.
#include "wal_format_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)keel::fuzz::take_format({data, size});
  return 0;
}
