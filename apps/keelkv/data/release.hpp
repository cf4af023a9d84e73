#pragma once

#include <string>

namespace keel {

// Gives a string's memory back; assigning an empty string to it would keep it.
inline void release(std::string& text) { std::string().swap(text); }

}  // namespace keel
