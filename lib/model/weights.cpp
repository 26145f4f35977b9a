#include "lib/model/weights.h"

namespace precis {

Weights make_weights(const ParameterTable& table, const at::Tensor& flat, at::ScalarType compute) {
  return {table.views(flat), table.views(compute == at::kFloat ? flat : flat.to(compute)), {}};
}

Weights with_packed(const Weights& weights, WeightForm form) {
  Weights with = weights;
  with.packed.clear();
  const at::Tensor& any = weights.compute.front();
  if (!any.is_cpu() || (form == WeightForm::kDense && any.scalar_type() == at::kHalf)) return with;
  for (size_t i = 0; i < weights.compute.size(); ++i) {
    const bool matrix = weights.compute[i].dim() == 2;
    with.packed.push_back(!matrix                     ? ops::PackedWeight()
                          : form == WeightForm::kInt8 ? ops::pack_as_int8(weights.master[i])
                                                      : ops::pack_weight(weights.compute[i]));
  }
  return with;
}

}  // namespace precis
