#include "lib/model/workspace.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace precis {

at::Tensor Workspace::take(at::IntArrayRef sizes, at::ScalarType type) {
  constexpr int64_t kAlign = 256;
  int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
  for (const int64_t size : sizes) bytes *= size;
  bytes = (bytes + kAlign - 1) / kAlign * kAlign;
  const int64_t begin = used_;
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  if (!block_.defined() || used_ > block_.numel()) {
    at::Tensor own = at::empty(sizes, at::TensorOptions(device_).dtype(type));
    overflow_.push_back(own);
    return own;
  }
  int64_t numel = 1;
  for (const int64_t size : sizes) numel *= size;
  return block_.narrow(0, begin, numel * static_cast<int64_t>(c10::elementSize(type)))
      .view(type)
      .view(sizes);
}

void Workspace::release(int64_t used) {
  used_ = used;
  if (used_ > 0 || overflow_.empty()) return;
  overflow_.clear();
  block_ = at::Tensor();  // before the larger one is asked for
  block_ = at::empty({peak_ + peak_ / 8}, at::TensorOptions(device_).dtype(at::kByte));
}

}  // namespace precis
