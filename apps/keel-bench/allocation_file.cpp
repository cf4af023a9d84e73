#include "keel-bench/allocation_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "keel-bench/servers.hpp"

namespace bench {

using keel::ErrorCode;
using Count = std::atomic<std::uint64_t>;

keel::Result<AllocationFile> AllocationFile::make(const std::filesystem::path& file) {
  std::string library = built_program("libbench_allocations.so");
  if (access(library.c_str(), R_OK) != 0) return keel::fail(ErrorCode::not_found, "no " + library);
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (descriptor >= 0 && ftruncate(descriptor, sizeof(Count)) == 0) {
    memory = mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  if (memory == MAP_FAILED) return keel::fail(ErrorCode::io, file.string() + ": " + std::strerror(reason));
  return AllocationFile(std::move(library), file.string(), static_cast<Count*>(memory));
}

AllocationFile::AllocationFile(AllocationFile&& other) noexcept
    : library_(std::move(other.library_)),
      file_(std::move(other.file_)),
      count_(std::exchange(other.count_, nullptr)) {}

AllocationFile::~AllocationFile() {
  if (count_ != nullptr) munmap(count_, sizeof(Count));
}

std::vector<std::string> AllocationFile::prefix() const {
  return {"/usr/bin/env", "LD_PRELOAD=" + library_, "KEEL_BENCH_ALLOCATIONS=" + file_};
}

}  // namespace bench
