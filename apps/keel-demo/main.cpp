// keel-demo: three keelkv processes under load, their leader killed, and every acknowledged write found again.
#include "keel-demo/demo.hpp"
#include "keel-demo/flags.hpp"
#include "keel-demo/registry.hpp"

int main(int argc, char** argv) {
  const auto options = demo::parse_flags(argc, argv);
  if (!options) return options.error();
  return options->stop ? demo::stop_all() : demo::run(*options);
}
