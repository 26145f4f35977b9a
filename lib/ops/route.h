// Which implementation of an operation runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace precis::ops {

enum class Route {
  kCpu,      ///< our kernels for the CPU
  kDevice,   ///< our kernels for a GPU, and ATen's fused ones
  kComposed  ///< ATen's operators one by one: slow, and right on every device
};

/// Our kernels for where the tensor is, unless a RouteGuard of this thread says otherwise.
Route route_of(const at::Tensor& tensor);

/// As long as it lives, all operations that this thread starts take one route; as torch's guards
/// do. kDevice on the CPU is for tests: an executor runs the kernels.
class RouteGuard {
 public:
  explicit RouteGuard(Route route);
  RouteGuard(const RouteGuard&) = delete;
  RouteGuard& operator=(const RouteGuard&) = delete;
  ~RouteGuard();

 private:
  std::optional<Route> before_;
};

}  // namespace precis::ops
