#pragma once

#include "keel/base/assert.hpp"
#include "keel/sim/world.hpp"

namespace keel::sim {

// Runs it, and puts what went wrong, if anything did, into the report.
template <class Report, class Body>
void judge(Report& report, Body run) {
  const auto failed = [&report](std::string check, const char* text) {
    report.failed = true;
    report.check = std::move(check);
    report.text = text;
  };
  try {
    run();
  } catch (const Failed& failure) {
    failed(failure.check(), failure.what());
  } catch (const InvariantBroken& broken) {
    failed("assertion", broken.what());
  }
}

}  // namespace keel::sim
