// Products of a GPU: cuBLASLt's, by plans; cuBLAS's where gradients are to be added up in float32.
#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/Exceptions.h>
#include <ATen/ops/empty.h>
#include <cublas_v2.h>

#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "lib/ops/cublaslt_products.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/measuring.h"
#include "lib/ops/product_plans.h"

namespace precis::ops::device {
namespace {

/// What NVIDIA recommends for Hopper, and what algorithms of earlier GPUs make use of.
int64_t workspace_bytes() {
  constexpr int64_t kMegabyte = 1 << 20;
  return (at::cuda::getCurrentDeviceProperties()->major >= 9 ? 32 : 8) * kMegabyte;
}

/// cuBLASLt on one device, in whichever stream is current. One workspace is enough: a thread's
/// streams do not overlap (one that is recorded runs nothing, and what was recorded runs in the
/// stream of all else), and plans that were measured hold in each.
class DeviceProducts : public ProductLibrary {
 public:
  DeviceProducts()
      : workspace_(at::empty(
            {workspace_bytes()},
            at::TensorOptions(at::cuda::getCurrentCUDAStream().device()).dtype(at::kByte))) {}

  DeviceProducts(const DeviceProducts&) = delete;
  DeviceProducts& operator=(const DeviceProducts&) = delete;

  bool run(const Product& product) {
    const ProductAlgorithm* algorithm = plans_.choose(product, is_measuring());
    if (algorithm == nullptr) return false;
    if (cublaslt_run(place(), product, *algorithm)) return true;
    plans_.give_up(product);
    return false;
  }

  std::vector<ProductAlgorithm> algorithms(const Product& product, int at_most) override {
    return cublaslt_algorithms(place(), product, at_most);
  }
  bool accepts(const Product& product, const ProductAlgorithm& algorithm) override {
    return cublaslt_accepts(place(), product, algorithm);
  }
  double seconds(const Product& product, const ProductAlgorithm& algorithm) override;
  bool is_recording() override {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    C10_CUDA_CHECK(cudaStreamIsCapturing(at::cuda::getCurrentCUDAStream().stream(), &status));
    return status != cudaStreamCaptureStatusNone;
  }

 private:
  CublasLtPlace place() const {
    return {at::cuda::getCurrentCUDABlasLtHandle(), at::cuda::getCurrentCUDAStream().stream(),
            workspace_.data_ptr(), workspace_.nbytes()};
  }

  at::Tensor workspace_;
  ProductPlans plans_{*this};
};

/// Once to load its code and fill the caches, then some times by the GPU's clock.
double DeviceProducts::seconds(const Product& product, const ProductAlgorithm& algorithm) {
  constexpr int kRuns = 2;
  constexpr double kNever = std::numeric_limits<double>::infinity(), kMilli = 1e-3;
  Product tried = product;
  at::Tensor scratch;
  if (product.shape.adds) {  // what is there must not be added to
    try {
      scratch = at::empty({product.shape.rows * product.shape.out_stride},
                          workspace_.options().dtype(at::kFloat));
    } catch (const c10::OutOfMemoryError&) {
      return kNever;
    }
    tried.out = scratch.data_ptr();
  }
  if (!cublaslt_run(place(), tried, algorithm)) return kNever;
  at::cuda::CUDAEvent begin(cudaEventDefault), end(cudaEventDefault);
  begin.record(at::cuda::getCurrentCUDAStream());
  for (int i = 0; i < kRuns; ++i) cublaslt_run(place(), tried, algorithm);
  end.record(at::cuda::getCurrentCUDAStream());
  end.synchronize();
  return begin.elapsed_time(end) * kMilli / kRuns;
}

/// Those of this thread for its current device. A thread's own, as ATen's handles of cuBLAS are:
/// operations are free functions, and nobody above them knows of devices.
DeviceProducts& products() {
  thread_local std::map<int, DeviceProducts> of_devices;
  return of_devices[at::cuda::current_device()];
}

cudaDataType_t type_of(const at::Tensor& a) {
  return a.scalar_type() == at::kHalf       ? CUDA_R_16F
         : a.scalar_type() == at::kBFloat16 ? CUDA_R_16BF
                                            : CUDA_R_32F;
}

}  // namespace

bool run_product(const Product& product) {
  return products().run(product);
}

void add_product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& to) {
  // cuBLAS has columns where we have rows: to^T [in, out] += b^T [in, R] @ a [R, out].
  const auto out = static_cast<int>(to.size(0)), in = static_cast<int>(to.size(1)),
             rows = static_cast<int>(a.size(0));
  if (rows == 0) return;
  const float one = 1;
  TORCH_CUDABLAS_CHECK(cublasGemmEx(
      at::cuda::getCurrentCUDABlasHandle(), CUBLAS_OP_N, CUBLAS_OP_T, in, out, rows, &one,
      b.const_data_ptr(), type_of(b), static_cast<int>(b.stride(0)), a.const_data_ptr(), type_of(a),
      static_cast<int>(a.stride(0)), &one, to.data_ptr(), CUDA_R_32F,
      static_cast<int>(to.stride(0)), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}

}  // namespace precis::ops::device
#endif
