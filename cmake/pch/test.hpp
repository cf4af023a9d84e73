#include <gtest/gtest.h>

#include "std.hpp"
