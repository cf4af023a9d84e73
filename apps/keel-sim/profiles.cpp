#include <fmt/format.h>

#include "commands.hpp"
#include "output.hpp"

namespace keel::sim {

int list_profiles() {
  for (const Profile& profile : profiles())
    say(fmt::format("{:<9} {}\n", profile.name, profile.about));
  return 0;
}

}  // namespace keel::sim
