#include "lib/tensor/digest.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <bit>

#include "lib/base/random.h"

namespace precis {

uint64_t digest_of(const at::Tensor& flat) {
  const at::Tensor host = flat.to(at::kCPU).contiguous();
  const auto* values = host.data_ptr<float>();
  return at::parallel_reduce(
      int64_t{0}, host.numel(), int64_t{1} << 16, uint64_t{0},
      [&](int64_t from, int64_t to, uint64_t sum) {
        for (int64_t i = from; i < to; ++i) sum += splitmix64(std::bit_cast<uint32_t>(values[i]));
        return sum;
      },
      [](uint64_t a, uint64_t b) { return a + b; });
}

}  // namespace precis
