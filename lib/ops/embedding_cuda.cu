#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/embedding_kernels.cuh"
#include "lib/ops/launch.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

namespace {

Grid grid_of(const EmbeddingShape& shape) {
  return {divide_up(shape.n * shape.blocks_a_row(), EmbeddingShape::kThreads), 0};
}

}  // namespace

void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out) {
  const EmbeddingShape shape{out.size(0), out.size(1)};
  launch(grid_of(shape),
         Embed{shape, read<int64_t>(tokens), read<int64_t>(drop.rows.positions), read<float>(wte),
               read<float>(wpe), write<float>(out), names_of(drop.rows), drop.dropout});
}

void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  const EmbeddingShape shape{grad_out.size(0), grad_out.size(1)};
  launch(grid_of(shape),
         EmbedBackward{shape, read<int64_t>(tokens), read<int64_t>(drop.rows.positions),
                       read<float>(grad_out), write<float>(grad_wte), write<float>(grad_wpe),
                       names_of(drop.rows), drop.dropout});
}

}  // namespace precis::ops::device
