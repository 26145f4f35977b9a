// Starting kernels. Where nvcc compiles this, on the GPU, on the thread's current stream; the
// executor of tests/support defines the same function for the CPU.
#pragma once

#include "lib/ops/device.cuh"

#ifdef __CUDACC__
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <type_traits>

#include "lib/ops/cuda_block.cuh"
#endif

namespace precis::kernels {

/// Runs a kernel: Kernel::kThreads threads a block, a multiple of a warp's. No blocks: nothing.
/// Throws c10::Error where CUDA refuses the launch.
template <class Kernel>
void launch(const Grid& grid, const Kernel& kernel);

#ifdef __CUDACC__
/// Blocks that an SM shall have registers for: Kernel::kBlocksPerSm where a kernel says so; 0: as
/// nvcc chooses, which is more than with 1.
template <class Kernel, class = void>
struct BlocksPerSm {
  static constexpr int kCount = 0;
};
template <class Kernel>
struct BlocksPerSm<Kernel, std::void_t<decltype(Kernel::kBlocksPerSm)>> {
  static constexpr int kCount = Kernel::kBlocksPerSm;
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, BlocksPerSm<Kernel>::kCount)
    run(const __grid_constant__ Kernel kernel) {
  const CudaBlock block;
  kernel(block);
}

template <class Kernel>
void launch(const Grid& grid, const Kernel& kernel) {
  constexpr int kAlways = 48 * 1024;  // more must be asked for
  if (grid.blocks == 0) return;
  if (grid.shared_bytes > kAlways)
    C10_CUDA_CHECK(cudaFuncSetAttribute(run<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        grid.shared_bytes));
  run<Kernel>
      <<<static_cast<unsigned>(grid.blocks), Kernel::kThreads,
         static_cast<size_t>(grid.shared_bytes), c10::cuda::getCurrentCUDAStream()>>>(kernel);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}
#endif

}  // namespace precis::kernels
