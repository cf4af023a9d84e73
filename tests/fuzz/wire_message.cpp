#include "wire_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  keel::wire::fuzz::message_decodes({data, size});
  return 0;
}
