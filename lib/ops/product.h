// A matrix product and what is done to its result before it goes to memory, as ProductPlans and the
// library behind it see it: shapes and addresses, no tensors.
#pragma once

#include <cstdint>

namespace precis::ops {

enum class Element : uint8_t { kFloat, kHalf, kBFloat16 };

enum class Epilogue : uint8_t {
  kNone,
  kGelu,      ///< aux = the product, out = its tanh GELU
  kGeluSlope  ///< out = the product times the slope of the tanh GELU at aux
};

/// out [rows, columns] = epilogue(a [rows, inner] @ b [inner, columns] + bias), or += where it
/// `adds`. Matrices lie in memory by rows, so many elements apart; of a transposed one it is the
/// transpose that lies there. a, b, bias and aux are of `element`; sums are made in float32, or, of
/// float32, in TF32 where `tf32` says so.
struct ProductShape {
  int64_t rows = 0, columns = 0, inner = 0;
  int64_t a_stride = 0, b_stride = 0, out_stride = 0, aux_stride = 0;
  bool a_transposed = false, b_transposed = false;
  bool adds = false, has_bias = false, tf32 = false;
  Element element = Element::kFloat, out_element = Element::kFloat;
  Epilogue epilogue = Epilogue::kNone;

  bool operator==(const ProductShape&) const = default;
  auto operator<=>(const ProductShape&) const = default;

  /// The dimension that is the rows of a batch, another one each time: gradients of weights are
  /// summed over it.
  int64_t& batch() { return adds ? inner : rows; }
  int64_t batch() const { return adds ? inner : rows; }
};

struct Product {
  ProductShape shape;
  const void* a = nullptr;
  const void* b = nullptr;
  void* out = nullptr;
  const void* bias = nullptr;  ///< [columns]
  void* aux = nullptr;         ///< [rows, columns]: written by kGelu, read by kGeluSlope
};

/// The largest power of two, up to 256, that an address is a multiple of.
inline uint32_t alignment_of(const void* address) {
  const auto bits = reinterpret_cast<uintptr_t>(address) | 256U;
  return static_cast<uint32_t>(bits & (~bits + 1));
}

}  // namespace precis::ops
