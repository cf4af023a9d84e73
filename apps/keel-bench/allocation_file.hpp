#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "keel/base/error.hpp"

namespace bench {

// A count that servers share with this process; see preload/allocations.cpp.
class AllocationFile {
 public:
  // Errors: `io`, and `not_found` when the library is not where the build puts it, beside this program.
  static keel::Result<AllocationFile> make(const std::filesystem::path& file);
  AllocationFile(AllocationFile&& other) noexcept;
  AllocationFile(const AllocationFile&) = delete;
  AllocationFile& operator=(const AllocationFile&) = delete;
  AllocationFile& operator=(AllocationFile&&) = delete;
  ~AllocationFile();

  // The words to put before a command so that its process counts.
  [[nodiscard]] std::vector<std::string> prefix() const;
  [[nodiscard]] std::uint64_t count() const { return count_->load(std::memory_order_relaxed); }

 private:
  AllocationFile(std::string library, std::string file, std::atomic<std::uint64_t>* count)
      : library_(std::move(library)), file_(std::move(file)), count_(count) {}

  std::string library_;
  std::string file_;
  std::atomic<std::uint64_t>* count_;
};

}  // namespace bench
