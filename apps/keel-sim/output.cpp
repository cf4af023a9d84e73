#include "output.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace keel::sim {
namespace {

std::unexpected<Error> cannot_write(const std::string& name) {
  return fail(ErrorCode::io,
              fmt::format("cannot write {}: {}", name, errno != 0 ? std::strerror(errno) : "a write failed"));
}

}  // namespace

void say(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void tell(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

int complain(std::string_view message) {
  tell(fmt::format("keel-sim: {}\n", message));
  return usage_error;
}

Result<OutputFile> OutputFile::open(const std::string& name) {
  errno = 0;
  File file(std::fopen(name.c_str(), "w"), &std::fclose);
  if (file == nullptr) return cannot_write(name);
  return OutputFile(name, std::move(file));
}

Result<void> OutputFile::close() {
  const bool written = std::ferror(file_.get()) == 0;
  if (std::fclose(file_.release()) != 0 || !written) return cannot_write(name_);
  return {};
}

}  // namespace keel::sim
