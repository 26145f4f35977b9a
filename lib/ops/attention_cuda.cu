#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <cmath>

#include "lib/ops/attention_backward_kernels.cuh"
#include "lib/ops/attention_kernels.cuh"
#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/launch.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

namespace {

/// Widths of heads that kernels are made for, and the queries of a block, so that its shared memory
/// is within that of a block on sm_75.
template <typename T, int kWidth>
struct Tiles {
  static constexpr bool kLarge = sizeof(T) * kWidth > 128;  // more than 64 of two bytes
  static constexpr int kForward = kLarge ? 32 : 64, kBackward = kLarge ? 16 : 32;
  using Forward = AttentionForward<T, kWidth, kForward>;
  using QueryGradient = AttentionQueryGradient<T, kWidth, kBackward>;
  using KeyGradient = AttentionKeyGradient<T, kWidth, kBackward>;
  static_assert(Forward::kSharedBytes <= kMostShared &&
                    QueryGradient::kSharedBytes <= kMostShared &&
                    KeyGradient::kSharedBytes <= kMostShared,
                "a block of sm_75 has no more");
};

constexpr int64_t kNarrow = 64, kWide = 128;

template <class Work>
void with_tiles(at::ScalarType type, int64_t head_size, const Work& work) {
  if (type == at::kFloat)
    work(float{}, Tiles<float, kNarrow>{});
  else if (type == at::kHalf && head_size <= kNarrow)
    work(c10::Half{}, Tiles<c10::Half, kNarrow>{});
  else if (type == at::kHalf)
    work(c10::Half{}, Tiles<c10::Half, kWide>{});
  else if (head_size <= kNarrow)
    work(c10::BFloat16{}, Tiles<c10::BFloat16, kNarrow>{});
  else
    work(c10::BFloat16{}, Tiles<c10::BFloat16, kWide>{});
}

AttentionShape shape_of(const Segments& segments, int64_t n_head, Dropout dropout, int64_t rows,
                        int64_t width) {
  const int64_t d = width / n_head;
  return {read<int32_t>(segments.offsets),
          read<int64_t>(segments.keys),
          rows,
          segments.num_samples(),
          n_head,
          d,
          segments.max_length,
          dropout,
          1.0F / std::sqrt(static_cast<float>(d))};
}

int64_t tiles_of(const AttentionShape& shape, int rows) {
  return divide_up(shape.max_length, rows) * shape.num_samples * shape.n_head;
}

}  // namespace

bool attention_fits(int64_t head_size, at::ScalarType type) {
  return head_size <= (type == at::kFloat ? kNarrow : kWide);
}

AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  AttentionState state;
  if (want_state)
    state.log_sum_exp = at::empty({n_head, out.size(0)}, out.options().dtype(at::kFloat));
  const AttentionShape shape = shape_of(segments, n_head, dropout, out.size(0), out.size(1));
  with_tiles(out.scalar_type(), shape.head_size, [&](auto element, auto tiles) {
    using T = decltype(element);
    using Kernel = typename decltype(tiles)::Forward;
    launch({tiles_of(shape, decltype(tiles)::kForward), Kernel::kSharedBytes},
           Kernel{shape, read<T>(qkv), write<T>(out), write<float>(state.log_sum_exp)});
  });
  return state;
}

void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv) {
  const at::Tensor& out = tensors.out;
  const AttentionShape shape = shape_of(segments, n_head, dropout, out.size(0), out.size(1));
  const at::Tensor dots = at::empty_like(state.log_sum_exp);
  with_tiles(out.scalar_type(), shape.head_size, [&](auto element, auto tiles) {
    using T = decltype(element);
    using Of = decltype(tiles);
    using Queries = typename Of::QueryGradient;
    using Keys = typename Of::KeyGradient;
    const typename Queries::Base base{shape,
                                      read<T>(tensors.qkv),
                                      read<T>(out),
                                      read<T>(tensors.grad_out),
                                      read<float>(state.log_sum_exp),
                                      write<float>(dots),
                                      write<T>(grad_qkv)};
    launch({tiles_of(shape, Of::kBackward), Queries::kSharedBytes}, Queries{base});
    launch({tiles_of(shape, kKeys), Keys::kSharedBytes}, Keys{base});
  });
}

}  // namespace precis::ops::device
