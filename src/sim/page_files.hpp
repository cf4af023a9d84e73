#pragma once

#include <string_view>

namespace keel::sim {

// The files of src/sim/page/, as they were when this was built.
extern const std::string_view page_html;
extern const std::string_view page_css;
extern const std::string_view page_js;

}  // namespace keel::sim
