#pragma once

#include <sys/types.h>

#include <filesystem>

namespace demo {

// The file by which the demo that runs as this process is found by `stop_all`.
std::filesystem::path note_of(pid_t demo);

// Ends every demo of this user that still runs, and waits until each is gone. Status 1 if one does not go.
int stop_all();

}  // namespace demo
