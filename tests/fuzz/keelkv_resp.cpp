// Whatever a client sends, cut however the network cuts it, reads the same: the same requests, then the same error.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "keelkv/resp/resp_parser.hpp"

namespace {

constexpr keel::RespLimits small_limits{
    .max_bulk_bytes = 256, .max_request_bytes = 512, .max_arguments = 64, .max_inline_bytes = 128};

struct Outcome {
  std::string requests;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

// Feeds `input` in steps of `step` bytes.
Outcome feed(std::string_view input, std::size_t step) {
  keel::RespParser parser(small_limits);
  Outcome outcome;
  std::size_t begin = 0;
  for (std::size_t end = std::min(step, input.size());; end = std::min(end + step, input.size())) {
    while (true) {
      const auto status = parser.parse(input.substr(begin, end - begin));
      if (status == keel::RespParser::Status::incomplete) break;
      if (status == keel::RespParser::Status::broken) {
        outcome.error = parser.error();
        return outcome;
      }
      if (parser.consumed() == 0 || parser.args().size() > small_limits.max_arguments) std::abort();
      for (const std::string_view argument : parser.args())
        (outcome.requests += argument) += '\0';
      outcome.requests += '\n';
      begin += parser.consumed();
      parser.next();
    }
    if (end == input.size()) return outcome;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 1 + data[0] % 16;  // the first byte says how the rest is cut
  if (feed(input, input.size() + 1) != feed(input, step)) std::abort();
  return 0;
}
