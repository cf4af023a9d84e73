// What the documents say in code and links is what there is.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path root = KEEL_SOURCE_DIR;

std::string read(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> documents() {
  std::vector<fs::path> found{root / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> all_of(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

TEST(Docs, TheReadmesProgramIsTheExample) {
  const std::string example = read(root / "examples/hello/counter.hpp") + read(root / "examples/hello/main.cpp");
  const std::string readme = read(root / "README.md");
  std::size_t blocks = 0;
  for (std::size_t at = 0; (at = readme.find("```cpp\n", at)) != std::string::npos; ++blocks) {
    at += 7;
    const std::string block = readme.substr(at, readme.find("```", at) - at);
    EXPECT_NE(example.find(block), std::string::npos) << block;
  }
  EXPECT_EQ(blocks, 2u);
}

TEST(Docs, LinksLeadSomewhere) {
  std::size_t links = 0;
  for (const fs::path& document : documents()) {
    for (const std::string& link : all_of(read(document), std::regex(R"(\]\(([^)#: ]+)(?:#[^)]*)?\))"))) {
      EXPECT_TRUE(fs::exists(document.parent_path() / link)) << document << " links to " << link;
      ++links;
    }
  }
  EXPECT_GT(links, 10u);
}

TEST(Docs, TestsThatAreNamedExist) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests"))
    names.push_back(entry.path().filename().string());
  for (const fs::path& document : documents()) {
    for (const std::string& name : all_of(read(document), std::regex(R"((\w+_test\.cpp))"))) {
      const bool exists = std::ranges::find(names, name) != names.end() || fs::exists(root / "examples/hello" / name);
      EXPECT_TRUE(exists) << document << " names " << name;
    }
  }
}

}  // namespace
