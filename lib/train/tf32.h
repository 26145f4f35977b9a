// TF32, which float32 products on a GPU are made in where that is allowed.
#pragma once

namespace precis {

/// Whether float32 products of cuBLAS may be made in TF32 from now on. No effect on a CPU.
void allow_tf32(bool allowed);
bool is_tf32_allowed();

/// Allows TF32 as long as it lives, if that is wanted, and then says again what was said before:
/// evaluation and decoding in float32 are float32.
class Tf32Scope {
 public:
  explicit Tf32Scope(bool wanted);
  Tf32Scope(const Tf32Scope&) = delete;
  Tf32Scope& operator=(const Tf32Scope&) = delete;
  ~Tf32Scope();

 private:
  bool changed_;
};

}  // namespace precis
