#include <cmath>

#include "lib/ops/cached_attention_kernels.cuh"
#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/launch.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

namespace {

constexpr int kMostWidth = 128;

}  // namespace

bool cached_attention_fits(int64_t head_size) {
  return head_size <= kMostWidth;
}

void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out) {
  const int64_t d = out.size(1) / n_head;
  const int32_t* table = where.device_table != nullptr ? where.device_table : where.table;
  const int32_t* lengths = where.device_lengths != nullptr ? where.device_lengths : where.lengths;
  with_element(out.scalar_type(), [&](auto element) {
    using T = decltype(element);
    using Kernel = CachedAttention<T, kMostWidth>;
    launch({where.rows * n_head, Kernel::kSharedBytes},
           Kernel{read<T>(qkv),
                  write<T>(cache),
                  {table, where.rows * where.stride},
                  {lengths, where.rows},
                  write<T>(out),
                  where.stride,
                  n_head,
                  d,
                  1.0F / std::sqrt(static_cast<float>(d))});
  });
}

}  // namespace precis::ops::device
