#include "lib/ops/dropout_aten.h"

#include <ATen/ATen.h>

#include <utility>

namespace precis::ops::aten {
namespace {

constexpr int64_t kWord = 0xFFFFFFFF;

/// High and low words of a 32-bit constant times 32-bit numbers held in int64: by halves, as the
/// product needs 64 unsigned bits.
std::pair<at::Tensor, at::Tensor> multiply_wide(int64_t constant, const at::Tensor& x) {
  const int64_t high = constant >> 16, low = constant & 0xFFFF;
  const at::Tensor a = x * low, b = x * high;  // below 2^48
  const at::Tensor sum = a + (b.bitwise_and(0xFFFF) * 65536);
  return {(b.bitwise_right_shift(16) + sum.bitwise_right_shift(32)).bitwise_and(kWord),
          sum.bitwise_and(kWord)};
}

at::Tensor shift_right_unsigned(const at::Tensor& x, int64_t bits) {
  return x.bitwise_right_shift(bits).bitwise_and((int64_t{1} << (64 - bits)) - 1);
}

at::Tensor splitmix64(at::Tensor x) {  // wraps around as uint64 does
  x = x + static_cast<int64_t>(0x9E3779B97F4A7C15ULL);
  x = x.bitwise_xor(shift_right_unsigned(x, 30)) * static_cast<int64_t>(0xBF58476D1CE4E5B9ULL);
  x = x.bitwise_xor(shift_right_unsigned(x, 27)) * static_cast<int64_t>(0x94D049BB133111EBULL);
  return x.bitwise_xor(shift_right_unsigned(x, 31));
}

}  // namespace

at::Tensor dropout_multipliers(const RowIds& rows, Dropout dropout, int64_t c, int64_t plane) {
  const int64_t n = rows.keys.size(0), groups = (c + kDropoutGroup - 1) / kDropoutGroup;
  const at::Tensor key =
      splitmix64(rows.keys + static_cast<int64_t>(dropout.site * 0x9E3779B97F4A7C15ULL))
          .unsqueeze(1);
  at::Tensor k0 = key.bitwise_and(kWord), k1 = shift_right_unsigned(key, 32);
  at::Tensor c0 = at::arange(groups * 8, key.options()).unsqueeze(0).expand({n, groups * 8});
  at::Tensor c1 = rows.positions.unsqueeze(1).expand_as(c0), c2 = at::full_like(c0, plane),
             c3 = at::zeros_like(c0);
  for (int round = 0; round < 10; ++round) {
    const auto [high_p, low_p] = multiply_wide(0xD2511F53, c0);
    const auto [high_q, low_q] = multiply_wide(0xCD9E8D57, c2);
    c0 = high_q.bitwise_xor(c1).bitwise_xor(k0);
    c2 = high_p.bitwise_xor(c3).bitwise_xor(k1);
    c1 = low_q;
    c3 = low_p;
    k0 = (k0 + 0x9E3779B9).bitwise_and(kWord);
    k1 = (k1 + 0xBB67AE85).bitwise_and(kWord);
  }
  // [N, groups, word, half, lane]
  const at::Tensor words =
      at::stack({c0, c1, c2, c3}, 1).view({n, 4, groups, 1, 8}).permute({0, 2, 1, 3, 4});
  const at::Tensor bits = at::cat({words.bitwise_and(0xFFFF), words.bitwise_right_shift(16)}, 3)
                              .reshape({n, groups * kDropoutGroup});
  return bits.narrow(1, 0, c)
      .ge(static_cast<int64_t>(dropout.threshold))
      .to(at::kFloat)
      .mul_(dropout.scale());
}

}  // namespace precis::ops::aten
