#pragma once

#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

// System calls that may be interrupted, or do less than they were asked for, called until they are done. They take the
// call itself as an argument, so that a test can play a kernel at its worst. Errors are errno values; 0 is success.
namespace keel {

struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  const int number;
};

inline constexpr std::size_t max_pieces = 1024;  // what Linux takes in one gathered call

// `call(pieces, count, offset)` is pwritev on some file. Uses the pieces up.
template <class Call>
int write_all(std::span<iovec> pieces, std::uint64_t offset, Call call) {
  while (true) {
    while (!pieces.empty() && pieces.front().iov_len == 0) {
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) return 0;
    const ssize_t result = call(pieces.data(), static_cast<int>(std::min(pieces.size(), max_pieces)), offset);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (result == 0) return EIO;  // no error and no progress: never wait for it to change its mind
    auto written = static_cast<std::size_t>(result);
    offset += written;
    while (written > 0) {
      iovec& piece = pieces.front();
      const std::size_t step = std::min(written, piece.iov_len);
      piece.iov_base = static_cast<std::byte*>(piece.iov_base) + step;
      piece.iov_len -= step;
      written -= step;
      if (piece.iov_len == 0) pieces = pieces.subspan(1);
    }
  }
}

// `call(at, size, offset)` is pread of whole blocks of `unit`: less than that comes only where the file ends. Fills `into`
// as far as the file goes; `got` is how far that was.
template <class Call>
int read_all(std::span<std::byte> into, std::uint64_t offset, std::size_t& got, std::size_t unit, Call call) {
  got = 0;
  while (got < into.size()) {
    const ssize_t result = call(into.data() + got, into.size() - got, offset + got);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    got += static_cast<std::size_t>(result);
    if (result == 0 || got % unit != 0) return 0;
  }
  return 0;
}

// Makes a directory and what is missing above it. `make(path)` is mkdir, `sync(path)` a directory's fsync: each entry is
// durable before anything is made below it.
template <class Make, class Sync>
int make_directory(std::filesystem::path path, Make make, Sync sync) {
  if (!path.has_filename()) path = path.parent_path();  // "data/"
  const std::filesystem::path above = path.parent_path();
  int reason = make(path);
  if (reason == ENOENT && above != path) {
    if (reason = make_directory(above, make, sync); reason != 0) return reason;
    reason = make(path);
  }
  if (reason == EEXIST) {
    // An earlier start may have been cut short before its sync. Else what is above is none of ours to judge by: it may
    // be a file system that knows no sync, or a directory we may not read.
    (void)sync(above);
    return 0;
  }
  return reason != 0 ? reason : sync(above);
}

// `call()` returns less than 0, and says why in errno, when it fails.
template <class Call>
int until_done(Call call) {
  while (call() < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace keel
