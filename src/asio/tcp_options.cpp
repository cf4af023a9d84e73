#include <string>
#include <string_view>

#include <fmt/core.h>

#include "keel/asio/tcp_transport.hpp"

namespace keel {

namespace {

using namespace std::chrono_literals;

// A day would do as well; but what is added to a time must not run over.
constexpr Duration longest = 1h;

std::unexpected<Error> bad(std::string_view option, const std::string& value, const std::string& allowed) {
  return fail(ErrorCode::invalid, fmt::format("{} is {}; it must be {}", option, value, allowed));
}

std::string in_words(Duration time) { return fmt::format("{} µs", time.count() / 1000); }

Result<void> validate(const wire::Hello& self) {
  if (self.node == nobody) return bad("self.node", "0", "1 or more");
  if (self.min_format > self.max_format) {
    return bad("self.min_format", std::to_string(self.min_format),
               fmt::format("at most self.max_format, which is {}", self.max_format));
  }
  const std::size_t texts = self.cluster_name.size() + self.member_data.size();
  if (texts <= wire::max_hello_texts) return {};
  return bad("self.cluster_name with self.member_data", fmt::format("{} bytes", texts),
             fmt::format("at most {}", wire::max_hello_texts));
}

}  // namespace

Result<void> validate(const TcpOptions& options) {
  if (auto good = validate(options.self); !good) return good;
  if (options.max_queued_messages == 0) return bad("max_queued_messages", "0", "1 or more");
  if (options.max_queued_bytes == 0) return bad("max_queued_bytes", "0", "1 or more");
  if (options.max_connections == 0) return bad("max_connections", "0", "1 or more");
  if (options.handshake_timeout < 1ms || options.handshake_timeout > longest) {
    return bad("handshake_timeout", in_words(options.handshake_timeout), "from 1 ms to 1 hour");
  }
  if (options.unacknowledged_timeout < 0ms || options.unacknowledged_timeout > longest) {
    return bad("unacknowledged_timeout", in_words(options.unacknowledged_timeout),
               "from 0 (as the system waits) to 1 hour");
  }
  if (options.min_backoff < 1ms || options.min_backoff > longest) {
    return bad("min_backoff", in_words(options.min_backoff), "from 1 ms to 1 hour");
  }
  if (options.max_backoff < options.min_backoff || options.max_backoff > longest) {
    return bad("max_backoff", in_words(options.max_backoff),
               fmt::format("from min_backoff, which is {}, to 1 hour", in_words(options.min_backoff)));
  }
  return {};
}

}  // namespace keel
