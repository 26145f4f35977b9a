// What the kernels of a GPU are written in. A kernel is a struct whose members are its arguments
// and whose operator() is what one thread does; it sees the GPU only through the Block it is called
// with, so that nvcc compiles it for the device and g++ for an executor on the CPU that tests hold
// against the CPU's kernels.
//
// A Block has
//   index()                    which block of the grid this is
//   thread(), lane(), warp()   which thread of the block; of 32 that run together; which 32
//   sync(), sync_warp()        all of the block, or of the warp, have come here, and see each
//                              other's writes to shared memory
//   shuffle_xor(x, mask)       the x of lane() ^ mask; all lanes of the warp call it
//   shuffle(x, lane)           the x of that lane; likewise
//   shared<T>(offset, count)   a piece of the block's shared memory, `offset` bytes from its start
//   atomic_add(x, value)       x += value, whole
//   Matrix<T>                  products of 16 x 16 matrices by a warp: matrix_unit.cuh
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define PRECIS_DEVICE __device__ __forceinline__
#define PRECIS_UNROLL _Pragma("unroll")  // what a loop indexes then stays in registers
#else
#include <cmath>
#include <stdexcept>
#define PRECIS_DEVICE inline
#define PRECIS_UNROLL
#endif

namespace precis::kernels {

constexpr int kWarp = 32;

/// An array that a kernel is given; the executor checks each access.
template <typename T>
struct Span {
  T* data = nullptr;
  int64_t size = 0;

  PRECIS_DEVICE bool empty() const { return data == nullptr; }
  PRECIS_DEVICE T& operator[](int64_t i) const {
#ifndef __CUDACC__
    if (i < 0 || i >= size) throw std::out_of_range("a kernel reads or writes outside an array");
#endif
    return data[i];
  }
  /// The address of `count` elements from i on.
  PRECIS_DEVICE T* at(int64_t i, int64_t count) const {
#ifndef __CUDACC__
    if (i < 0 || count < 0 || i + count > size)
      throw std::out_of_range("a kernel reads or writes outside an array");
#endif
    (void)count;
    return data + i;
  }
};

/// Elements that a thread takes at a time: what one access to memory brings, 16 bytes.
template <typename T, int kSize = 16 / static_cast<int>(sizeof(T))>
struct alignas(kSize * sizeof(T)) Pack {
  static constexpr int kCount = kSize;
  T x[kCount];
};

/// Whether packs may be read from here on.
template <typename T>
PRECIS_DEVICE bool begins_pack(const T* data) {
  return reinterpret_cast<uintptr_t>(data) % alignof(Pack<T>) == 0;
}

/// Sum over a warp, the same bits in each lane.
template <class Block>
PRECIS_DEVICE float warp_sum(const Block& block, float x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x += block.shuffle_xor(x, mask);
  return x;
}

template <class Block>
PRECIS_DEVICE float warp_max(const Block& block, float x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const float other = block.shuffle_xor(x, mask);
    x = other > x ? other : x;
  }
  return x;
}

/// How a kernel is started.
struct Grid {
  int64_t blocks = 0;
  int shared_bytes = 0;  ///< of each block: kMostShared at most
};

/// What a block may have of shared memory on sm_75; later GPUs have more.
constexpr int kMostShared = 64 * 1024;

constexpr int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace precis::kernels
