#include "lib/tensor/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace precis {

void prefer_huge_pages(const at::Tensor& tensor) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t kPage = uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage,
                  last = (begin + tensor.nbytes()) / kPage * kPage;
  if (tensor.is_cpu() && first < last)
    madvise(reinterpret_cast<void*>(first), last - first,
            MADV_HUGEPAGE);  // a wish: no error matters
#else
  (void)tensor;
#endif
}

}  // namespace precis
