#include "tests/support/fake_cublaslt.h"

#include <ATen/ATen.h>
#include <cublasLt.h>

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

namespace precis::testing {
namespace {

thread_local FakeCublasLt* current = nullptr;

constexpr uint64_t kMagic = 0xA160;

struct Layout {
  cudaDataType type;
  int64_t rows, columns, stride;
};

struct Operation {
  cublasComputeType_t compute;
  cudaDataType scale;
  int32_t transposed_a = CUBLAS_OP_N, transposed_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
  void* aux = nullptr;
  int64_t aux_stride = 0;
};

struct Preference {
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
  uint64_t workspace = 0;
  uint32_t aligned_a = 256, aligned_b = 256, aligned_c = 256, aligned_d = 256;
};

/// The caller's is a pointer to something opaque; ours points to what we made.
template <typename Ours, typename Theirs>
Ours& ours(Theirs theirs) {
  return *reinterpret_cast<Ours*>(theirs);
}

template <typename Ours, typename Theirs>
cublasStatus_t make(Theirs* theirs, const Ours& value) {
  ++current->alive;
  *theirs = reinterpret_cast<Theirs>(new Ours(value));
  return CUBLAS_STATUS_SUCCESS;
}

template <typename Ours, typename Theirs>
cublasStatus_t destroy(Theirs theirs) {
  --current->alive;
  delete reinterpret_cast<Ours*>(theirs);
  return CUBLAS_STATUS_SUCCESS;
}

/// An attribute's value, which must be as large as it is said to be.
template <typename Value>
cublasStatus_t set(Value& to, const void* from, size_t bytes) {
  if (bytes != sizeof(Value)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

size_t bytes_of(cudaDataType type) {
  return type == CUDA_R_32F ? 4 : 2;
}

double load(const void* data, cudaDataType type, int64_t at) {
  switch (type) {
    case CUDA_R_32F:
      return static_cast<const float*>(data)[at];
    case CUDA_R_16F:
      return static_cast<const c10::Half*>(data)[at];
    case CUDA_R_16BF:
      return static_cast<const c10::BFloat16*>(data)[at];
    default:
      throw std::logic_error("an element type that nobody asks for");
  }
}

void store(void* data, cudaDataType type, int64_t at, double value) {
  const auto x = static_cast<float>(value);
  switch (type) {
    case CUDA_R_32F:
      static_cast<float*>(data)[at] = x;
      return;
    case CUDA_R_16F:
      static_cast<c10::Half*>(data)[at] = x;
      return;
    case CUDA_R_16BF:
      static_cast<c10::BFloat16*>(data)[at] = x;
      return;
    default:
      throw std::logic_error("an element type that nobody asks for");
  }
}

constexpr double kScale = 0.79788456080286536, kCubic = 0.044715;  // sqrt(2 / pi)

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(kScale * (x + kCubic * x * x * x)));
}

double gelu_slope(double x) {
  const double t = std::tanh(kScale * (x + kCubic * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kScale * (1 + 3 * kCubic * x * x);
}

bool is_aligned(const void* address, uint32_t bytes) {
  return reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

bool has(uint32_t epilogue, uint32_t part) {
  return (epilogue & part) == part;
}

constexpr uint32_t kAux = 128;

/// Whether sizes, types and strides agree, as the manual's page on cublasLtMatmul says.
bool agree(const Operation& o, const Layout& a, const Layout& b, const Layout& d) {
  const bool ta = o.transposed_a != CUBLAS_OP_N, tb = o.transposed_b != CUBLAS_OP_N;
  const int64_t inner = ta ? a.rows : a.columns;
  const bool sizes = (ta ? a.columns : a.rows) == d.rows &&
                     (tb ? b.rows : b.columns) == d.columns && (tb ? b.columns : b.rows) == inner;
  const bool strides = a.stride >= a.rows && b.stride >= b.rows && d.stride >= d.rows;
  const bool types = a.type == b.type && (d.type == a.type || d.type == CUDA_R_32F) &&
                     o.scale == CUDA_R_32F &&
                     (o.compute == CUBLAS_COMPUTE_32F ||
                      (o.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && a.type == CUDA_R_32F));
  const bool bias = !has(o.epilogue, CUBLASLT_EPILOGUE_BIAS) || o.bias != nullptr;
  const bool aux = !has(o.epilogue, kAux) ||
                   (o.aux != nullptr && is_aligned(o.aux, 16) && o.aux_stride % 8 == 0 &&
                    o.aux_stride >= d.rows && d.type == a.type);
  return sizes && strides && types && bias && aux;
}

/// An element of op(matrix) by columns.
double element(const void* data, const Layout& m, bool transposed, int64_t row, int64_t column) {
  return load(data, m.type, transposed ? column + row * m.stride : row + column * m.stride);
}

double finish(const Operation& o, const Layout& d, double sum, int64_t row, int64_t column) {
  if (has(o.epilogue, CUBLASLT_EPILOGUE_BIAS)) sum += load(o.bias, d.type, row);
  const int64_t aux_at = row + column * o.aux_stride;
  switch (o.epilogue & ~static_cast<uint32_t>(CUBLASLT_EPILOGUE_BIAS)) {
    case 0:
    case CUBLASLT_EPILOGUE_DEFAULT:
      return sum;
    case CUBLASLT_EPILOGUE_GELU_AUX:
      store(o.aux, d.type, aux_at, sum);
      return gelu(sum);
    case CUBLASLT_EPILOGUE_DGELU:
      return sum * gelu_slope(load(o.aux, d.type, aux_at));
    default:
      throw std::logic_error("an epilogue that nobody asks for");
  }
}

}  // namespace

FakeCublasLt::FakeCublasLt() {
  current = this;
}

FakeCublasLt::~FakeCublasLt() {
  current = nullptr;
}

}  // namespace precis::testing

using namespace precis::testing;  // NOLINT: what the calls below are made of

extern "C" {

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* it, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t stride) {
  return make(it, Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), stride});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(const cublasLtMatrixLayout_t it) {
  return destroy<Layout>(it);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* it, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  Operation operation{};
  operation.compute = compute;
  operation.scale = scale;
  return make(it, operation);
}
cublasStatus_t cublasLtMatmulDescDestroy(const cublasLtMatmulDesc_t it) {
  return destroy<Operation>(it);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t it,
                                              cublasLtMatmulDescAttributes_t name, const void* from,
                                              size_t bytes) {
  auto& o = ours<Operation>(it);
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(o.transposed_a, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(o.transposed_b, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(o.epilogue, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(o.bias, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
      return set(o.aux, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
      return set(o.aux_stride, from, bytes);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* it) {
  return make(it, Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(const cublasLtMatmulPreference_t it) {
  return destroy<Preference>(it);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t it,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void* from, size_t bytes) {
  auto& p = ours<Preference>(it);
  switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return set(p.workspace, from, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return set(p.reductions, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return set(p.aligned_a, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return set(p.aligned_b, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return set(p.aligned_c, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return set(p.aligned_d, from, bytes);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

/// Algorithms note how their operands must be aligned, and fail where they are not.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* count) {
  ++current->searches;
  *count = 0;
  const auto& p = ours<Preference>(preference);
  current->reductions = p.reductions;
  current->workspace_bytes = p.workspace;
  if (current->refuses) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (!agree(ours<Operation>(operation), ours<Layout>(a), ours<Layout>(b), ours<Layout>(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  for (int i = 0; i < current->offered && i < wanted; ++i) {
    cublasLtMatmulHeuristicResult_t& result = results[i];
    result = {};
    result.state = i == 0 && wanted > 1 ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    const uint64_t words[] = {kMagic + static_cast<uint64_t>(i), p.aligned_a, p.aligned_b,
                              p.aligned_c, p.aligned_d};
    std::memcpy(&result.algo, words, sizeof(words));
    ++*count;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algorithm,
                                       cublasLtMatmulHeuristicResult_t* result) {
  if (!agree(ours<Operation>(operation), ours<Layout>(a), ours<Layout>(b), ours<Layout>(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm->data[0] < kMagic) return CUBLAS_STATUS_NOT_SUPPORTED;
  result->workspaceSize = current->checked_bytes;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void*, size_t, cudaStream_t) {
  const auto &la = ours<Layout>(a_layout), &lb = ours<Layout>(b_layout),
             &lc = ours<Layout>(c_layout), &ld = ours<Layout>(d_layout);
  const auto& o = ours<Operation>(operation);
  const uint64_t* words = algorithm->data;
  if (words[0] < kMagic || !agree(o, la, lb, ld)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!current->runs) return CUBLAS_STATUS_NOT_SUPPORTED;
  const void* const addresses[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i)
    if (!is_aligned(addresses[i], static_cast<uint32_t>(words[i + 1])))
      return CUBLAS_STATUS_INVALID_VALUE;
  ++current->products;
  current->last_algorithm = words[0] - kMagic;
  current->tf32 = o.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const bool ta = o.transposed_a != CUBLAS_OP_N, tb = o.transposed_b != CUBLAS_OP_N;
  const int64_t inner = ta ? la.rows : la.columns;
  const double times = *static_cast<const float*>(alpha), kept = *static_cast<const float*>(beta);
  for (int64_t column = 0; column < ld.columns; ++column)
    for (int64_t row = 0; row < ld.rows; ++row) {
      double sum = 0;
      for (int64_t k = 0; k < inner; ++k)
        sum += element(a, la, ta, row, k) * element(b, lb, tb, k, column);
      sum *= times;
      if (kept != 0) sum += kept * load(c, lc.type, row + column * lc.stride);
      store(d, ld.type, row + column * ld.stride, finish(o, ld, sum, row, column));
    }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
