// Products by cuBLASLt. Only in builds with CUDA; includes none of its headers.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/ops/product.h"
#include "lib/ops/product_plans.h"

struct cublasLtContext;
struct CUstream_st;

namespace precis::ops {

/// What it works with; all of it is the caller's.
struct CublasLtPlace {
  cublasLtContext* handle = nullptr;
  CUstream_st* stream = nullptr;
  void* workspace = nullptr;
  size_t workspace_bytes = 0;
};

/// As ProductLibrary says. Sums of parts are never rounded to less than float32.
std::vector<ProductAlgorithm> cublaslt_algorithms(const CublasLtPlace& place,
                                                  const Product& product, int at_most);
bool cublaslt_accepts(const CublasLtPlace& place, const Product& product,
                      const ProductAlgorithm& algorithm);

/// Starts it. False, and nothing is started: cuBLASLt does not run this algorithm for this product.
/// Throws where the device fails.
bool cublaslt_run(const CublasLtPlace& place, const Product& product,
                  const ProductAlgorithm& algorithm);

}  // namespace precis::ops
