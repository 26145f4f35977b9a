#include "lib/ops/measuring.h"

#include <utility>

namespace precis::ops {
namespace {

thread_local bool measuring = false;

}  // namespace

MeasuringGuard::MeasuringGuard(bool wanted)
    : before_(std::exchange(measuring, wanted || measuring)) {}

MeasuringGuard::~MeasuringGuard() {
  measuring = before_;
}

bool is_measuring() {
  return measuring;
}

}  // namespace precis::ops
