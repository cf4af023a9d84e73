#pragma once

#include <cstddef>
#include <vector>

#include "keel/port/completion.hpp"
#include "keel/raft/write.hpp"

namespace keel {

// Batches that become one record: there whole or not at all, so what a later one takes back need not be written.
class WriteGroup {
 public:
  explicit WriteGroup(std::uint64_t number) : number(number) {}

  void add(WriteBatch more, Completion<void> done);

  const std::uint64_t number;
  WriteBatch batch;
  std::vector<Completion<void>> dones;
  std::size_t bytes = 0;  // of all entries ever added, framed
};

}  // namespace keel
