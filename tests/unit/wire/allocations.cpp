#include "allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {
std::size_t asked = 0;
std::size_t largest_asked = 0;
}  // namespace

namespace keel::wire::test {

void Allocations::start() { asked = largest_asked = 0; }
std::size_t Allocations::count() { return asked; }
std::size_t Allocations::largest() { return largest_asked; }

}  // namespace keel::wire::test

void* operator new(std::size_t size) {
  ++asked;
  largest_asked = std::max(largest_asked, size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
