#include "lib/ops/dropout_cuda.h"

namespace precis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerBlock = 8;  // 16-bit numbers in one Philox block

__device__ uint64_t splitmix64_device(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// One thread makes one Philox block: eight multipliers, at columns 64 group + 16 word + 8 half +
// lane (dropout.h).
__global__ void multipliers_kernel(DropoutRows rows, uint64_t site, uint32_t threshold, float scale,
                                   int64_t c, float* out) {
  const int64_t blocks = (c + kDropoutGroup - 1) / kDropoutGroup * kPerBlock;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= rows.n * blocks) return;
  const int64_t row = index / blocks, block = index % blocks;
  const uint64_t key =
      splitmix64_device(static_cast<uint64_t>(rows.keys[row]) + site * 0x9E3779B97F4A7C15ULL);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(rows.positions[row]),
                         0, 0};
  for (int round = 0; round < 10; ++round) {
    const uint32_t high_p = __umulhi(0xD2511F53U, counter[0]), low_p = 0xD2511F53U * counter[0];
    const uint32_t high_q = __umulhi(0xCD9E8D57U, counter[2]), low_q = 0xCD9E8D57U * counter[2];
    counter[0] = high_q ^ counter[1] ^ k0;
    counter[2] = high_p ^ counter[3] ^ k1;
    counter[1] = low_q;
    counter[3] = low_p;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  const int64_t first = block / kPerBlock * kDropoutGroup + block % kPerBlock;
  for (int word = 0; word < 4; ++word)
    for (int half = 0; half < 2; ++half) {
      const int64_t column = first + 16 * word + 8 * half;
      const uint32_t bits = (counter[word] >> (16 * half)) & 0xFFFFU;
      if (column < c) out[row * c + column] = bits < threshold ? 0.0F : scale;
    }
}

}  // namespace

cudaError_t dropout_multipliers(const DropoutRows& rows, Dropout dropout, int64_t c, float* out,
                                cudaStream_t stream) {
  const int64_t threads = rows.n * ((c + kDropoutGroup - 1) / kDropoutGroup) * kPerBlock;
  if (threads == 0) return cudaSuccess;
  multipliers_kernel<<<static_cast<unsigned>((threads + kThreads - 1) / kThreads), kThreads, 0,
                       stream>>>(rows, dropout.site, dropout.threshold, dropout.scale(), c, out);
  return cudaGetLastError();
}

}  // namespace precis::cuda
