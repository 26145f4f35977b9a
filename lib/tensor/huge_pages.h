// Memory of the CPU in large pages.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis {

/// Asks the operating system for pages of 2 MB behind a tensor that has not been written yet: fewer
/// page faults, and no walks through page tables where it is read from end to end, again and again.
/// Small tensors, and systems without such pages: nothing.
void prefer_huge_pages(const at::Tensor& tensor);

}  // namespace precis
