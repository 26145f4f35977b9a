// The exponential as polynomial and power of two, for one number or for a vector of them.
#pragma once

namespace precis {

/// e^x / 2^n for n = x / ln 2 rounded to a whole number: Cephes' expf, within an ulp. `Floats` is
/// float or one of GCC's vectors of floats.
template <typename Floats>
inline Floats exp_mantissa(const Floats& x, const Floats& n) {
  const Floats r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats p = Floats{} + 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  return p * r * r + r + 1.0F;
}

}  // namespace precis
