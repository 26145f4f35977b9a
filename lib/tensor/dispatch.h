// From tensors to the typed memory that kernels work on.
#pragma once

#include <ATen/core/Tensor.h>
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

/// The elements of a tensor; null where it is undefined.
template <typename T>
T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

}  // namespace precis
