#pragma once

#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "keel/base/error.hpp"

namespace keel {

struct SplitAddress {
  std::string host;  // a name or a number, without brackets
  std::string port;
};

// "host:port" or "[IPv6]:port". Error: `invalid`.
[[nodiscard]] Result<SplitAddress> split_address(std::string_view address);

[[nodiscard]] std::string to_address(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace keel
