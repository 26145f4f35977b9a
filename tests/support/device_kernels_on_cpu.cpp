// Our kernels for GPUs, compiled for the executor: a test that links this runs them on the CPU's
// tensors where a RouteGuard says kDevice.
#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <algorithm>

#include "lib/ops/product.h"
#include "tests/support/executor.h"

// After the executor, whose launch they use:
#include "lib/ops/attention_cuda.cu"
#include "lib/ops/cached_attention_cuda.cu"
#include "lib/ops/cross_entropy_cuda.cu"
#include "lib/ops/embedding_cuda.cu"
#include "lib/ops/gelu_cuda.cu"
#include "lib/ops/norm_cuda.cu"
#include "lib/ops/sums_cuda.cu"

namespace precis::ops::device {
namespace {

at::ScalarType type_of(Element element) {
  return element == Element::kHalf       ? at::kHalf
         : element == Element::kBFloat16 ? at::kBFloat16
                                         : at::kFloat;
}

/// A matrix that a product sees, over its own memory.
at::Tensor matrix(const void* data, Element element, at::IntArrayRef sizes, int64_t stride,
                  bool transposed = false) {
  if (transposed) return matrix(data, element, {sizes[1], sizes[0]}, stride).t();
  return at::from_blob(const_cast<void*>(data), sizes, {stride, 1}, type_of(element));
}

}  // namespace

/// In place of cuBLASLt, one launch; as there, epilogues want rows of whole packs.
bool run_product(const Product& product) {
  constexpr int64_t kPack = 8;
  const ProductShape& s = product.shape;
  if (s.epilogue != Epilogue::kNone && s.aux_stride % kPack != 0) return false;
  if (!testing::Executor::current().begins_launch()) return true;
  const at::RecordFunctionGuard uncounted(/*is_enabled=*/false);
  const at::Tensor out = matrix(product.out, s.out_element, {s.rows, s.columns}, s.out_stride);
  at::Tensor made = at::mm(
      matrix(product.a, s.element, {s.rows, s.inner}, s.a_stride, s.a_transposed).to(at::kFloat),
      matrix(product.b, s.element, {s.inner, s.columns}, s.b_stride, s.b_transposed)
          .to(at::kFloat));
  if (s.has_bias) made += matrix(product.bias, s.element, {1, s.columns}, s.columns);
  if (s.epilogue != Epilogue::kNone) {
    at::Tensor aux = matrix(product.aux, s.element, {s.rows, s.columns}, s.aux_stride);
    if (s.epilogue == Epilogue::kGelu) {
      aux.copy_(made);
      made = at::gelu(made, "tanh");
    } else {
      made = at::gelu_backward(made, aux.to(at::kFloat), "tanh");
    }
  }
  at::Tensor(out).copy_(s.adds ? out + made : made);
  return true;
}

void add_product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& to) {
  at::Tensor(to).addmm_(a.to(at::kFloat).t(), b.to(at::kFloat));  // in place of cuBLAS
}

}  // namespace precis::ops::device
