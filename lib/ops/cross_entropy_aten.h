// cross_entropy made of ATen's operators, for devices other than the CPU. They run on the CPU too,
// where tests hold them against our kernels.
#pragma once

#include "lib/ops/cross_entropy.h"

namespace precis::ops::aten {

/// As those of cross_entropy.h.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale);

}  // namespace precis::ops::aten
