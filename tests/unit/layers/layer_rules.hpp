#pragma once

#include <filesystem>
#include <string>
#include <vector>

// Walks every #include under include/, src/ and apps/ of the tree at `root` and says, one sentence each, what breaks
// the layering:
// - a file reaches, through any number of includes, a layer that its own may not use;
// - base or raft includes anything but the C++ standard library;
// - Asio is included outside include/keel/asio/, src/asio/, src/transport/ and apps/;
// - a file lies in no layer.
std::vector<std::string> broken_layer_rules(const std::filesystem::path& root);
