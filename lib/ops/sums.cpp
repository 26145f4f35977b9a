#include "lib/ops/sums.h"

#include <ATen/ATen.h>

#include <cmath>

#include "lib/ops/sums_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

void add_column_sums(const at::Tensor& a, const at::Tensor& sums) {
  if (!a.is_cpu()) {
    at::Tensor(sums).add_(a.sum(0, false, at::kFloat));
    return;
  }
  with_element(a.scalar_type(), [&]<typename T>(T) {
    cpu::add_column_sums<T>(a.size(0), a.size(1), data_or_null<T>(a), data_or_null<float>(sums));
  });
}

double norm_of(const at::Tensor& a) {
  if (!a.is_cpu()) return a.norm(2, at::kDouble).item<double>();
  return std::sqrt(cpu::sum_of_squares(a.numel(), a.data_ptr<float>()));
}

}  // namespace precis::ops
