#include "layer_rules.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <set>

namespace {

namespace fs = std::filesystem;
using LayerNames = std::set<std::string>;

// What the files of a layer may reach, beside the layer itself.
const std::map<std::string, LayerNames> may_reach = {
    {"base", {}},
    {"raft", {"base"}},
    {"wire", {"raft", "base"}},
    {"port", {"wire", "raft", "base"}},
    {"node", {"port", "wire", "raft", "base"}},
    {"client", {"port", "wire", "raft", "base"}},
    {"storage", {"port", "wire", "raft", "base"}},
    {"transport", {"port", "wire", "raft", "base"}},
    {"machine", {"port", "wire", "raft", "base"}},
    {"asio", {"node", "client", "storage", "transport", "machine", "port", "wire", "raft", "base"}},
    {"sim", {"node", "client", "storage", "transport", "machine", "port", "wire", "raft", "base"}},
    {"apps", {"sim", "asio", "node", "client", "storage", "transport", "machine", "port", "wire", "raft", "base"}},
};

// Relative to the root, with forward slashes: "src/raft/log.cpp".
using File = std::string;

struct Include {
  int line;
  std::string name;  // as written between the quotes or brackets
  bool angled;
};

std::vector<Include> includes_of(const fs::path& file) {
  static const std::regex directive(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  std::ifstream in(file);
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (std::smatch match; std::regex_search(text, match, directive)) {
      found.push_back({line, match[2], match[1] == "<"});
    }
  }
  return found;
}

// The layer a file lies in, by its path; empty if in none.
std::string layer_of(const File& file) {
  static const std::regex in_layer(R"(^(?:include/keel|src)/([^/]+)/.+|^(apps)/.+)");
  std::smatch match;
  if (!std::regex_match(file, match, in_layer)) return {};
  return match[1].matched ? match[1] : match[2];
}

bool is_standard(const Include& include) {
  static const std::regex standard("[a-z_]+");  // no dot and no slash: what only standard headers are called
  return include.angled && std::regex_match(include.name, standard);
}

bool is_asio(const Include& include) {
  return include.name.starts_with("boost/asio") || include.name.starts_with("asio");
}

bool may_include_asio(const File& file) {
  return file.starts_with("include/keel/asio/") || file.starts_with("src/asio/") || file.starts_with("apps/");
}

class Walk {
 public:
  explicit Walk(fs::path root) : root_(std::move(root)) {}

  std::vector<std::string> run() {
    for (const char* top : {"include", "src", "apps"}) {
      std::error_code none;  // a tree need not have all three
      for (const auto& entry : fs::recursive_directory_iterator(root_ / top, none)) {
        const auto extension = entry.path().extension();
        if (extension == ".hpp" || extension == ".cpp") {
          files_.insert(fs::relative(entry.path(), root_).generic_string());
        }
      }
    }
    for (const File& file : files_) {
      check(file);
    }
    return broken_;
  }

 private:
  void check(const File& file) {
    const std::string layer = layer_of(file);
    if (!may_reach.contains(layer)) {
      broken_.push_back(file + ": lies in no layer");
      return;
    }
    for (const Include& include : includes_of(root_ / file)) {
      const std::string place = file + ":" + std::to_string(include.line) + ": ";
      const auto included = resolve(file, include);
      if (!included && (layer == "base" || layer == "raft") && !is_standard(include)) {
        broken_.push_back(place + layer + " uses only the C++ standard library, not " + include.name);
      }
      if (is_asio(include) && !may_include_asio(file)) {
        broken_.push_back(place + "no Asio here: it belongs in include/keel/asio/, src/asio/ and apps/");
      }
      if (!included) continue;
      for (const std::string& reached : reach(*included)) {
        if (reached != layer && !may_reach.at(layer).contains(reached)) {
          broken_.push_back(place + layer + " may not use " + reached + ", reached through " + include.name);
        }
      }
    }
  }

  // The project's file that an include names. One that is not there yet still names its layer by its path.
  std::optional<File> resolve(const File& from, const Include& include) const {
    const fs::path beside = (fs::path(from).parent_path() / include.name).lexically_normal();
    for (const fs::path& candidate : {beside, "include" / fs::path(include.name), "src" / fs::path(include.name),
                                      "apps" / fs::path(include.name)}) {
      if (files_.contains(candidate.generic_string())) return candidate.generic_string();
    }
    if (include.name.starts_with("keel/")) return "include/" + include.name;
    return std::nullopt;
  }

  // All layers that come along when `file` is included.
  const LayerNames& reach(const File& file) {
    const auto [known, is_new] = reach_.try_emplace(file);
    if (is_new) {
      LayerNames layers;
      std::set<File> seen;
      collect(file, layers, seen);
      known->second = std::move(layers);
    }
    return known->second;
  }

  void collect(const File& file, LayerNames& layers, std::set<File>& seen) const {
    if (!seen.insert(file).second) return;
    layers.insert(layer_of(file));
    for (const Include& include : includes_of(root_ / file)) {
      if (const auto included = resolve(file, include)) {
        collect(*included, layers, seen);
      }
    }
  }

  fs::path root_;
  std::set<File> files_;
  std::map<File, LayerNames> reach_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_layer_rules(const fs::path& root) { return Walk(root).run(); }
