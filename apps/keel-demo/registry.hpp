#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace demo {

// Where a demo makes its data folder, for mkdtemp.
std::string data_pattern();

// The file by which the demo that runs as this process is found by `stop_all`; it holds the path of the data folder.
std::filesystem::path note_of(pid_t demo);

// Ends every demo of this user that still runs, and waits until each is gone. Status 1 if one does not go.
// Removes the data of those that were killed.
int stop_all();

}  // namespace demo
