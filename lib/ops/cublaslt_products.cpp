#ifdef PRECIS_HAS_CUDA
#include "lib/ops/cublaslt_products.h"

#include <ATen/cuda/Exceptions.h>
#include <cublasLt.h>

#include <cstring>
#include <utility>

namespace precis::ops {
namespace {

cudaDataType_t type_of(Element element) {
  return element == Element::kHalf       ? CUDA_R_16F
         : element == Element::kBFloat16 ? CUDA_R_16BF
                                         : CUDA_R_32F;
}

/// A descriptor of cuBLASLt's.
template <typename T, cublasStatus_t (*kDestroy)(T)>
class Handle {
 public:
  template <typename Create>
  explicit Handle(const Create& create) {
    TORCH_CUDABLAS_CHECK(create(&it_));
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { kDestroy(it_); }
  T get() const { return it_; }

 private:
  T it_{};
};

/// A matrix that lies in memory by rows, which for cuBLASLt is its transpose by columns.
class Layout {
 public:
  Layout(Element element, int64_t rows, int64_t columns, int64_t stride)
      : handle_([&](cublasLtMatrixLayout_t* it) {
          return cublasLtMatrixLayoutCreate(it, type_of(element), static_cast<uint64_t>(columns),
                                            static_cast<uint64_t>(rows), stride);
        }) {}
  cublasLtMatrixLayout_t get() const { return handle_.get(); }

 private:
  Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> handle_;
};

Layout factor(const ProductShape& s, bool transposed, int64_t rows, int64_t columns,
              int64_t stride) {
  if (transposed) std::swap(rows, columns);
  return {s.element, rows, columns, stride};
}

class Operation {
 public:
  explicit Operation(const Product& product)
      : handle_([&](cublasLtMatmulDesc_t* it) {
          const bool tf32 = product.shape.element == Element::kFloat && product.shape.tf32;
          return cublasLtMatmulDescCreate(
              it, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F);
        }) {
    const ProductShape& s = product.shape;
    // Their first factor is our second.
    set(CUBLASLT_MATMUL_DESC_TRANSA, s.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, s.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(s));
    if (s.has_bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    if (s.epilogue == Epilogue::kNone) return;
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, product.aux);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, s.aux_stride);
  }
  cublasLtMatmulDesc_t get() const { return handle_.get(); }

 private:
  static cublasLtEpilogue_t epilogue_of(const ProductShape& s) {
    switch (s.epilogue) {
      case Epilogue::kGelu:
        return s.has_bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
      case Epilogue::kGeluSlope:
        return CUBLASLT_EPILOGUE_DGELU;
      case Epilogue::kNone:
        break;
    }
    return s.has_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
  }
  template <typename Value>
  void set(cublasLtMatmulDescAttributes_t name, Value value) {
    TORCH_CUDABLAS_CHECK(
        cublasLtMatmulDescSetAttribute(handle_.get(), name, &value, sizeof(value)));
  }

  Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> handle_;
};

/// A product in cuBLASLt's words: out^T = b^T a^T, all by columns.
struct Description {
  explicit Description(const Product& product)
      : operation(product),
        a(factor(product.shape, product.shape.a_transposed, product.shape.rows, product.shape.inner,
                 product.shape.a_stride)),
        b(factor(product.shape, product.shape.b_transposed, product.shape.inner,
                 product.shape.columns, product.shape.b_stride)),
        out(product.shape.out_element, product.shape.rows, product.shape.columns,
            product.shape.out_stride) {}
  Operation operation;
  Layout a, b, out;
};

class Preference {
 public:
  Preference(const CublasLtPlace& place, const Product& product)
      : handle_([](cublasLtMatmulPreference_t* it) { return cublasLtMatmulPreferenceCreate(it); }) {
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, place.workspace_bytes);
    // Sums of parts in the output's type are sums in float32 where that is float32 alone.
    const bool wide = product.shape.out_element == Element::kFloat;
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        static_cast<uint32_t>(wide ? CUBLASLT_REDUCTION_SCHEME_MASK
                                   : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(product.b));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(product.a));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(product.out));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(product.out));
  }
  cublasLtMatmulPreference_t get() const { return handle_.get(); }

 private:
  template <typename Value>
  void set(cublasLtMatmulPreferenceAttributes_t name, Value value) {
    TORCH_CUDABLAS_CHECK(
        cublasLtMatmulPreferenceSetAttribute(handle_.get(), name, &value, sizeof(value)));
  }

  Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> handle_;
};

/// What cuBLASLt's manual asks of the arrays of an epilogue, and a little more: it does not say how
/// they must be aligned.
bool suits_epilogue(const Product& product) {
  constexpr int64_t kBytes = 16, kElements = 8;
  const ProductShape& s = product.shape;
  if (s.has_bias && alignment_of(product.bias) < kBytes) return false;
  return s.epilogue == Epilogue::kNone ||
         (alignment_of(product.aux) >= kBytes && s.aux_stride % kElements == 0);
}

cublasLtMatmulAlgo_t theirs(const ProductAlgorithm& algorithm) {
  cublasLtMatmulAlgo_t made;
  static_assert(sizeof(made) == sizeof(algorithm.words));
  std::memcpy(&made, algorithm.words.data(), sizeof(made));
  return made;
}

bool is_refusal(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
         status == CUBLAS_STATUS_ARCH_MISMATCH;
}

}  // namespace

std::vector<ProductAlgorithm> cublaslt_algorithms(const CublasLtPlace& place,
                                                  const Product& product, int at_most) {
  std::vector<ProductAlgorithm> offered;
  if (!suits_epilogue(product)) return offered;
  const Description d(product);
  const Preference preference(place, product);
  std::vector<cublasLtMatmulHeuristicResult_t> results(static_cast<size_t>(at_most));
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      place.handle, d.operation.get(), d.b.get(), d.a.get(), d.out.get(), d.out.get(),
      preference.get(), at_most, results.data(), &count);
  if (is_refusal(status)) return offered;
  TORCH_CUDABLAS_CHECK(status);
  results.resize(static_cast<size_t>(count));
  for (const auto& result : results) {
    if (result.state != CUBLAS_STATUS_SUCCESS) continue;
    ProductAlgorithm& algorithm = offered.emplace_back();
    std::memcpy(algorithm.words.data(), &result.algo, sizeof(result.algo));
  }
  return offered;
}

bool cublaslt_accepts(const CublasLtPlace& place, const Product& product,
                      const ProductAlgorithm& algorithm) {
  const Description d(product);
  const cublasLtMatmulAlgo_t algo = theirs(algorithm);
  cublasLtMatmulHeuristicResult_t result{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(place.handle, d.operation.get(), d.b.get(), d.a.get(), d.out.get(),
                              d.out.get(), &algo, &result);
  return status == CUBLAS_STATUS_SUCCESS && result.workspaceSize <= place.workspace_bytes;
}

bool cublaslt_run(const CublasLtPlace& place, const Product& product,
                  const ProductAlgorithm& algorithm) {
  const Description d(product);
  const cublasLtMatmulAlgo_t algo = theirs(algorithm);
  const float one = 1, before = product.shape.adds ? 1 : 0;
  const cublasStatus_t status =
      cublasLtMatmul(place.handle, d.operation.get(), &one, product.b, d.b.get(), product.a,
                     d.a.get(), &before, product.out, d.out.get(), product.out, d.out.get(), &algo,
                     place.workspace, place.workspace_bytes, place.stream);
  if (is_refusal(status)) return false;
  TORCH_CUDABLAS_CHECK(status);
  return true;
}

}  // namespace precis::ops
#endif
