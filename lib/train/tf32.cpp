#include "lib/train/tf32.h"

#include <ATen/Context.h>

namespace precis {

// The old setter: it is in all of LibTorch 2.7 to 2.11 and keeps the newer settings in step, so
// that the library may ask for either.
void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
}

bool is_tf32_allowed() {
  return at::globalContext().allowTF32CuBLAS();
}

Tf32Scope::Tf32Scope(bool wanted) : changed_(wanted && !is_tf32_allowed()) {
  if (changed_) allow_tf32(true);
}

Tf32Scope::~Tf32Scope() {
  if (changed_) allow_tf32(false);
}

}  // namespace precis
