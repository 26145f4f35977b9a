#include "lib/tensor/workspace.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "lib/tensor/huge_pages.h"
#include "lib/tensor/memory_shortage.h"

namespace precis {

at::Tensor Workspace::take(at::IntArrayRef sizes, at::ScalarType type) {
  constexpr int64_t kAlign = 256;
  const auto element = static_cast<int64_t>(c10::elementSize(type));
  int64_t numel = 1;
  for (const int64_t size : sizes) numel *= size;
  const int64_t bytes = (numel * element + kAlign - 1) / kAlign * kAlign;
  const int64_t begin = used_, end = begin + bytes;
  if (begin == 0) grow();
  at::Tensor taken;
  if (end > capacity()) {
    taken = at::empty(sizes, at::TensorOptions(device_).dtype(type));
    prefer_huge_pages(taken);
    overflow_.push_back(taken);
  } else {
    taken = block_.narrow(0, begin, numel * element).view(type).view(sizes);
  }
  used_ = end;  // only now: what there was no memory for does not count
  peak_ = std::max(peak_, used_);
  return taken;
}

void Workspace::grow() {
  if (peak_ <= capacity()) return;
  ++moves_;
  block_ = at::Tensor();  // before the larger one is asked for
  const auto ask = [&] {
    block_ = at::empty({peak_ + peak_ / 8}, at::TensorOptions(device_).dtype(at::kByte));
    prefer_huge_pages(block_);
  };
  // In pieces there may be room for what has no place at a stretch; on a GPU places must stay.
  if (!device_.is_cpu())
    ask();
  else
    lacks_memory(ask);
}

int64_t Workspace::settle() {
  grow();
  return moves_;
}

/// Asks for nothing: it may be called because there is no memory left.
void Workspace::release(int64_t used) {
  used_ = used;
  if (used_ == 0) overflow_.clear();
}

}  // namespace precis
