#pragma once

#include <cstdint>

// How often this process has called operator new.
std::uint64_t allocations();
