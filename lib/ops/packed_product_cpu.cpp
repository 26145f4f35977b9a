#include "lib/ops/packed_product.h"
#include "lib/ops/packed_tiles.h"

namespace precis::cpu {

template <typename W>
void multiply_panels(const PackedProduct& product, int64_t first, int64_t last) {
  multiply_all<W>(product, first, last);
}

template void multiply_panels<float>(const PackedProduct&, int64_t, int64_t);
template void multiply_panels<uint16_t>(const PackedProduct&, int64_t, int64_t);
template void multiply_panels<int8_t>(const PackedProduct&, int64_t, int64_t);

}  // namespace precis::cpu
