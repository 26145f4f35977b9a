#include "lib/model/weights.h"

namespace precis {

Weights make_weights(const ParameterTable& table, const at::Tensor& flat, at::ScalarType compute) {
  return {table.views(flat), table.views(compute == at::kFloat ? flat : flat.to(compute))};
}

}  // namespace precis
