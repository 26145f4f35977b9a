// Picks the element type of a kernel at run time.
#pragma once

#include <c10/core/ScalarType.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Exception.h>
#include <c10/util/Half.h>

namespace precis {

/// Calls work with a value of the element type: float, c10::BFloat16 or c10::Half.
template <typename Work>
void with_element(at::ScalarType type, const Work& work) {
  switch (type) {
    case at::kFloat:
      return work(float{});
    case at::kBFloat16:
      return work(c10::BFloat16{});
    case at::kHalf:
      return work(c10::Half{});
    default:
      TORCH_INTERNAL_ASSERT(false, "compute dtype ", type);
  }
}

}  // namespace precis
