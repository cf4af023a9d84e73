#pragma once

#include <boost/asio/io_context.hpp>

#include "keel/base/time.hpp"

namespace keel {

// io_context::run, for who would rather spend processor time than latency: with nothing to do, the loop looks again and
// again for as long as `spin` before it sleeps. A sleeping thread is woken in tens of microseconds, more on a machine
// whose processor sleeps too, and a command goes over several such threads. Between two looks the processor is offered to
// whoever else wants it. Zero is io_context::run.
//
// Ends, and throws, as io_context::run does. One thread at a time.
void run(boost::asio::io_context& context, Duration spin);

}  // namespace keel
