// Whether our kernels for a GPU compute what those for the CPU do: run where a GPU is met, as the
// kernels were written where there was none.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace precis::ops {

/// How far an operation's results on the device are from the CPU's.
struct Comparison {
  std::string operation;
  double distance = 0;  ///< relative, of all elements together; infinite where one is not finite
  double allowed = 0;
  std::string failure;  ///< what it said where it could not run at all
  bool agrees() const { return distance <= allowed; }
};

/// How much of it: the shortest, at every start, takes a fraction of a second; the whole has
/// tiles that are full, cut and empty, more rows than blocks, and attention's gradient by finite
/// differences.
enum class SelfTest { kShort, kWhole };

/// Every operation of a training and of a decoding step with elements of this type, on made-up
/// numbers, by the device's route and by the CPU's.
std::vector<Comparison> compare_with_cpu(at::Device device, at::ScalarType type, SelfTest size);

/// The sentence for those that differ, with their figures; empty where all agree.
std::string describe_differences(const std::vector<Comparison>& comparisons);

}  // namespace precis::ops
