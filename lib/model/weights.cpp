#include "lib/model/weights.h"

namespace precis {
namespace {

bool can_be_packed(at::ScalarType compute, WeightForm form) {
  return form == WeightForm::kInt8 || compute != at::kHalf;
}

}  // namespace

Weights make_weights(const ParameterTable& table, const at::Tensor& flat, at::ScalarType compute) {
  return {table.views(flat), table.views(compute == at::kFloat ? flat : flat.to(compute)), {}};
}

Weights with_packed(const Weights& weights, WeightForm form) {
  Weights with = weights;
  with.packed.clear();
  const at::Tensor& any = weights.compute.front();
  if (!any.is_cpu() || !can_be_packed(any.scalar_type(), form)) return with;
  for (size_t i = 0; i < weights.compute.size(); ++i) {
    const bool matrix = weights.compute[i].dim() == 2;
    with.packed.push_back(!matrix                     ? ops::PackedWeight()
                          : form == WeightForm::kInt8 ? ops::pack_as_int8(weights.master[i])
                                                      : ops::pack_weight(weights.compute[i]));
  }
  return with;
}

int64_t packed_bytes(const ParameterTable& table, at::ScalarType compute, WeightForm form) {
  if (!can_be_packed(compute, form)) return 0;
  int64_t bytes = 0;
  for (const ParameterSlot& slot : table.slots())
    if (slot.shape.size() == 2)
      bytes += form == WeightForm::kInt8
                   ? ops::packed_bytes(slot.shape[0], slot.shape[1], at::kChar)
                   : ops::packed_bytes(slot.shape[0], slot.shape[1], compute);
  return bytes;
}

}  // namespace precis
