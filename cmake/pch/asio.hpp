#include <boost/asio.hpp>

#include "std.hpp"
