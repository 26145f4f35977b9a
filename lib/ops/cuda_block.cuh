// The Block of device.cuh on a GPU, and its products of matrices: on tensor cores through
// nvcuda::wmma where the element type and the architecture have them (CUDA C++ Programming Guide,
// Warp Matrix Functions), else plain.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "lib/ops/device.cuh"

namespace precis::kernels {

/// 16 x 16 products without tensor cores. A lane owns half a row of the accumulator.
template <typename T>
struct PlainMatrix {
  /// Where an operand lies; transposed: element (i, j) is data[j * stride + i].
  template <bool kTransposed>
  struct Operand {
    const T* data;
    int stride;
    PRECIS_DEVICE float at(int i, int j) const {
      return static_cast<float>(kTransposed ? data[j * stride + i] : data[i * stride + j]);
    }
  };
  template <bool kTransposed>
  using A = Operand<kTransposed>;
  template <bool kTransposed>
  using B = Operand<kTransposed>;
  struct Accumulator {
    float x[8];
  };

  template <class Block>
  static PRECIS_DEVICE void clear(const Block&, Accumulator& sum) {
    for (float& x : sum.x) x = 0;
  }
  template <class Block, bool kTransposed>
  static PRECIS_DEVICE void load(const Block&, Operand<kTransposed>& operand, const T* data,
                                 int stride) {
    operand = {data, stride};
  }
  template <class Block, class Left, class Right>
  static PRECIS_DEVICE void multiply_add(const Block& block, Accumulator& sum, const Left& a,
                                         const Right& b) {
    const int row = block.lane() / 2, first = block.lane() % 2 * 8;
#pragma unroll 4  // all of it, for each tile, is more code than an SM's cache has room for
    for (int k = 0; k < 16; ++k) {
      const float left = a.at(row, k);
      PRECIS_UNROLL
      for (int j = 0; j < 8; ++j) sum.x[j] += left * b.at(k, first + j);
    }
  }
  template <class Block>
  static PRECIS_DEVICE void store(const Block& block, const Accumulator& sum, float* to,
                                  int stride) {
    const int row = block.lane() / 2, first = block.lane() % 2 * 8;
    for (int j = 0; j < 8; ++j) to[row * stride + first + j] = sum.x[j];
  }
};

#if __CUDA_ARCH__ >= 700
/// The same on tensor cores; Native is CUDA's name of T.
template <typename T, typename Native>
struct TensorCoreMatrix {
  template <class Use, bool kTransposed>
  using Operand =
      nvcuda::wmma::fragment<Use, 16, 16, 16, Native,
                             typename std::conditional<kTransposed, nvcuda::wmma::col_major,
                                                       nvcuda::wmma::row_major>::type>;
  template <bool kTransposed>
  using A = Operand<nvcuda::wmma::matrix_a, kTransposed>;
  template <bool kTransposed>
  using B = Operand<nvcuda::wmma::matrix_b, kTransposed>;
  using Accumulator = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;

  template <class Block>
  static PRECIS_DEVICE void clear(const Block&, Accumulator& sum) {
    nvcuda::wmma::fill_fragment(sum, 0.0F);
  }
  template <class Block, class Fragment>
  static PRECIS_DEVICE void load(const Block&, Fragment& operand, const T* data, int stride) {
    nvcuda::wmma::load_matrix_sync(operand, reinterpret_cast<const Native*>(data),
                                   static_cast<unsigned>(stride));
  }
  template <class Block, class Left, class Right>
  static PRECIS_DEVICE void multiply_add(const Block&, Accumulator& sum, const Left& a,
                                         const Right& b) {
    nvcuda::wmma::mma_sync(sum, a, b, sum);
  }
  template <class Block>
  static PRECIS_DEVICE void store(const Block&, const Accumulator& sum, float* to, int stride) {
    nvcuda::wmma::store_matrix_sync(to, sum, static_cast<unsigned>(stride),
                                    nvcuda::wmma::mem_row_major);
  }
};
#endif

template <typename T>
struct MatrixOf {
  using type = PlainMatrix<T>;
};
#if __CUDA_ARCH__ >= 700
template <>
struct MatrixOf<c10::Half> {
  using type = TensorCoreMatrix<c10::Half, __half>;
};
#endif
#if __CUDA_ARCH__ >= 800
template <>
struct MatrixOf<c10::BFloat16> {
  using type = TensorCoreMatrix<c10::BFloat16, __nv_bfloat16>;
};
#endif

class CudaBlock {
 public:
  template <typename T>
  using Matrix = typename MatrixOf<T>::type;

  PRECIS_DEVICE int64_t index() const { return blockIdx.x; }
  PRECIS_DEVICE int thread() const { return static_cast<int>(threadIdx.x); }
  PRECIS_DEVICE int lane() const { return static_cast<int>(threadIdx.x) % kWarp; }
  PRECIS_DEVICE int warp() const { return static_cast<int>(threadIdx.x) / kWarp; }
  PRECIS_DEVICE void sync() const { __syncthreads(); }
  PRECIS_DEVICE void sync_warp() const { __syncwarp(); }
  PRECIS_DEVICE float shuffle_xor(float x, int mask) const {
    return __shfl_xor_sync(0xFFFFFFFFU, x, mask);
  }
  PRECIS_DEVICE float shuffle(float x, int lane) const { return __shfl_sync(0xFFFFFFFFU, x, lane); }
  template <typename T>
  PRECIS_DEVICE Span<T> shared(int offset, int count) const {
    extern __shared__ __align__(128) unsigned char bytes[];
    return {reinterpret_cast<T*>(bytes + offset), count};
  }
  PRECIS_DEVICE void atomic_add(float& x, float value) const { atomicAdd(&x, value); }
};

}  // namespace precis::kernels
