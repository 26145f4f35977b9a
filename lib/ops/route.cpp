#include "lib/ops/route.h"

#include <utility>

namespace precis::ops {
namespace {

thread_local std::optional<Route> chosen;

}  // namespace

Route route_of(const at::Tensor& tensor) {
  return chosen.value_or(tensor.is_cpu() ? Route::kCpu : Route::kDevice);
}

RouteGuard::RouteGuard(Route route) : before_(std::exchange(chosen, route)) {}

RouteGuard::~RouteGuard() {
  chosen = before_;
}

}  // namespace precis::ops
