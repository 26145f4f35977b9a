#include "lib/ops/packed_product.h"
#ifdef __AVX512F__  // the flags of the build say so for this file on x86
#include "lib/ops/packed_tiles.h"
#endif

namespace precis::cpu::avx512 {

bool is_supported() {
#ifdef __AVX512F__
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
  return false;
#endif
}

template <typename W>
void multiply_panels(const PackedProduct& product, int64_t first, int64_t last) {
#ifdef __AVX512F__
  multiply_all<W>(product, first, last);
#else
  cpu::multiply_panels<W>(product, first, last);
#endif
}

template void multiply_panels<float>(const PackedProduct&, int64_t, int64_t);
template void multiply_panels<uint16_t>(const PackedProduct&, int64_t, int64_t);
template void multiply_panels<int8_t>(const PackedProduct&, int64_t, int64_t);

}  // namespace precis::cpu::avx512
