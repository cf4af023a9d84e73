#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "keel/base/error.hpp"

namespace keel::sim {

inline constexpr int went_wrong = 1;
inline constexpr int usage_error = 2;  // also files that cannot be read or written

// Text for a person. That nobody takes it (a full disk, a closed pipe) does not end a campaign: `main` looks at the end.
void say(std::string_view text);
// The same on stderr: how far it is.
void tell(std::string_view text);
// Says it on stderr, with the program's name before it; returns `usage_error`.
int complain(std::string_view message);

// A file that a flag names. Errors: `io`, with its name and why.
class OutputFile {
 public:
  [[nodiscard]] static Result<OutputFile> open(const std::string& name);
  [[nodiscard]] std::FILE* get() const { return file_.get(); }
  // Whether all of it is written.
  [[nodiscard]] Result<void> close();

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  OutputFile(std::string name, File file) : name_(std::move(name)), file_(std::move(file)) {}

  std::string name_;
  File file_;
};

}  // namespace keel::sim
