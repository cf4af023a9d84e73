// A data directory of any bytes: opened or refused by name, and what opens goes on.
#include <cstdlib>

#include "wal_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)keel::fuzz::take_directory({data, size});
  return 0;
}
