#include "lib/checkpoint/model_file.h"

#include <ATen/ATen.h>

namespace precis {
namespace {

using View = at::Tensor (ParameterTable::*)(const at::Tensor&, const ParameterSlot&) const;

/// A flat tensor of the smaller table: of each parameter the first rows it has room for.
at::Tensor cropped(const at::Tensor& flat, int64_t numel, const ParameterTable& before,
                   const ParameterTable& after, View view) {
  const at::Tensor smaller = at::empty({numel}, at::kFloat);
  for (size_t i = 0; i < before.slots().size(); ++i) {
    const at::Tensor old = (before.*view)(flat, before.slots()[i]),
                     fresh = (after.*view)(smaller, after.slots()[i]);
    if (fresh.defined()) fresh.copy_(old.narrow(0, 0, fresh.size(0)));
  }
  return smaller;
}

}  // namespace

void crop_positions(ModelFile& model, int64_t block_size) {
  if (block_size >= model.shape->block_size) return;
  const ParameterTable before = model.table();
  model.shape->block_size = block_size;
  const ParameterTable after = model.table();
  model.flat = cropped(model.flat, after.numel(), before, after, View(&ParameterTable::view));
  if (!model.optimizer) return;
  for (at::Tensor* moments : {&model.optimizer->exp_avg, &model.optimizer->exp_avg_sq})
    *moments =
        cropped(*moments, after.trainable_numel(), before, after, &ParameterTable::gradient_view);
}

}  // namespace precis
