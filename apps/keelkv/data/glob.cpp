#include "keelkv/data/glob.hpp"

#include <utility>

namespace keel {

namespace {

char folded(char c, LetterCase letters) {
  return letters == LetterCase::ignored && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// A class like [^a-z] at the front of `pattern`; its length, and whether `c` is in it. One that does not end runs to the
// pattern's end.
std::pair<std::size_t, bool> match_class(std::string_view pattern, char c, LetterCase letters) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  for (; i < pattern.size() && pattern[i] != ']'; ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    char from = folded(pattern[i], letters);
    char to = from;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      to = folded(pattern[i + 2], letters);
      i += 2;
    }
    if (from > to) std::swap(from, to);
    found = found || (c >= from && c <= to);
  }
  return {i < pattern.size() ? i + 1 : i, found != negated};
}

// The front of `pattern`, anything but '*', against one character: how much of the pattern it takes, 0 for no match.
std::size_t match_one(std::string_view pattern, char raw, LetterCase letters, GlobSteps& steps) {
  const char c = folded(raw, letters);
  switch (pattern.front()) {
    case '?': return 1;
    case '[': {
      const auto [length, in] = match_class(pattern, c, letters);
      if (!steps.take(length)) return 0;
      return in ? length : 0;
    }
    case '\\':
      if (pattern.size() > 1) return folded(pattern[1], letters) == c ? 2 : 0;
      [[fallthrough]];
    default: return folded(pattern.front(), letters) == c ? 1 : 0;
  }
}

}  // namespace

// On a mismatch only the last star needs to take one character more: whatever an earlier one took, it can keep.
bool matches_glob(std::string_view pattern, std::string_view text, LetterCase letters, GlobSteps& steps) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t star_took = 0;
  while (t < text.size() && steps.take(1)) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_took = t;
      continue;
    }
    const std::size_t length = p < pattern.size() ? match_one(pattern.substr(p), text[t], letters, steps) : 0;
    if (length > 0) {
      p += length;
      ++t;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      t = ++star_took;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*' && steps.take(1))
    ++p;
  return steps.take(1) && p == pattern.size();
}

}  // namespace keel
