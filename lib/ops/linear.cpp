#include "lib/ops/linear.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>

#include "lib/base/profile.h"
#include "lib/ops/cpu_product.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/gelu.h"
#include "lib/ops/product.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"

namespace precis::ops {
namespace {

/// Whether ATen's product of this type runs at a reasonable rate. On CPUs without instructions for
/// bfloat16 it is a plain loop, fifty times slower than float32; then operands are widened, which
/// is what those instructions do inside.
bool multiplies_well(const at::Tensor& a) {
  if (!a.is_cpu() || a.scalar_type() == at::kFloat) return true;
#if defined(__x86_64__)
  return a.scalar_type() == at::kBFloat16 && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

at::Tensor wide(const at::Tensor& a) {
  return a.to(at::kFloat);
}

Element element_of(const at::Tensor& a) {
  return a.scalar_type() == at::kHalf       ? Element::kHalf
         : a.scalar_type() == at::kBFloat16 ? Element::kBFloat16
                                            : Element::kFloat;
}

/// How far apart rows begin; of a single row ATen may say anything.
int64_t stride_of(const at::Tensor& a) {
  return std::max(a.stride(0), a.size(1));
}

/// A matrix, or its transpose.
struct Factor {
  const at::Tensor& matrix;
  bool transposed = false;
  int64_t rows() const { return matrix.size(transposed ? 1 : 0); }
};

Product product_of(const Factor& a, const Factor& b, const at::Tensor& out) {
  Product product;
  ProductShape& s = product.shape;
  s.rows = out.size(0);
  s.columns = out.size(1);
  s.inner = b.rows();
  s.a_stride = stride_of(a.matrix);
  s.b_stride = stride_of(b.matrix);
  s.out_stride = stride_of(out);
  s.a_transposed = a.transposed;
  s.b_transposed = b.transposed;
  s.element = element_of(a.matrix);
  s.out_element = element_of(out);
  product.a = a.matrix.const_data_ptr();
  product.b = b.matrix.const_data_ptr();
  product.out = out.data_ptr();
  return product;
}

void add_bias(Product& product, const at::Tensor& bias) {
  if (!bias.defined()) return;
  product.shape.has_bias = true;
  product.bias = bias.const_data_ptr();
}

void add_epilogue(Product& product, Epilogue epilogue, const at::Tensor& aux) {
  product.shape.epilogue = epilogue;
  product.shape.aux_stride = stride_of(aux);
  product.aux = aux.data_ptr();
}

/// Whether our own product was made; else ATen's is to be.
bool runs(const at::Tensor& on, Product product) {
  ProductShape& s = product.shape;
  const Route route = route_of(on);
  if (route == Route::kCpu) return cpu_product::run(product);
  if (route != Route::kDevice) return false;
  if (s.rows == 0 || s.columns == 0 || (s.adds && s.inner == 0)) return true;  // nothing to do
  s.tf32 = s.element == Element::kFloat && at::globalContext().allowTF32CuBLAS();
  return s.inner > 0 && device::run_product(product);
}

/// What a product of a linear layer tells the profile of this thread, as long as it runs.
class ProductScope {
 public:
  ProductScope(ProductKind kind, const at::Tensor& rows, int64_t in, int64_t out)
      : scope_(Part::kProducts) {
    if (Profile* profile = profile_of_thread()) profile->add({kind, rows.size(0), in, out});
  }

 private:
  ProfileScope scope_;
};

void add_weight_gradient(const at::Tensor& grad_y, const at::Tensor& x, at::Tensor to) {
  const ProductScope scope(ProductKind::kWeightGradient, x, x.size(1), grad_y.size(1));
  Product product = product_of({grad_y, true}, {x}, to);
  product.shape.adds = true;
  if (runs(to, product)) return;
  if (route_of(to) == Route::kDevice) return device::add_product(grad_y, x, to);
  at::addmm_out(to, to, wide(grad_y).t(), wide(x));
}

}  // namespace

void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out) {
  const ProductScope scope(ProductKind::kForward, x, weight.size(1), weight.size(0));
  Product product = product_of({x}, {weight, true}, out);
  add_bias(product, bias);
  if (runs(out, product)) return;
  at::Tensor to = out;
  if (!multiplies_well(x)) {
    const at::Tensor w = wide(weight).t();
    to.copy_(bias.defined() ? at::addmm(wide(bias), wide(x), w) : at::mm(wide(x), w));
  } else if (bias.defined()) {
    at::addmm_out(to, bias, x, weight.t());
  } else {
    at::mm_out(to, x, weight.t());
  }
}

void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_x) {
  if (grad_weight.defined()) add_weight_gradient(grad_y, x, grad_weight);
  if (!grad_x.defined()) return;
  const ProductScope scope(ProductKind::kInputGradient, grad_y, weight.size(1), weight.size(0));
  if (runs(grad_x, product_of({grad_y}, {weight}, grad_x))) return;
  at::Tensor out = grad_x;
  if (multiplies_well(grad_y))
    at::mm_out(out, grad_y, weight);
  else
    out.copy_(at::mm(wide(grad_y), wide(weight)));
}

void linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool tanh,
                 const at::Tensor& pre, const at::Tensor& out) {
  if (tanh) {
    Product product = product_of({x}, {weight, true}, out);
    add_bias(product, bias);
    add_epilogue(product, Epilogue::kGelu, pre);
    if (runs(out, product)) return;
  }
  linear(x, weight, bias, pre);
  gelu(pre, tanh, out);
}

void linear_gelu_backward(const at::Tensor& grad_y, const at::Tensor& weight, const at::Tensor& pre,
                          bool tanh, const at::Tensor& grad_pre, const at::Tensor& grad_pre_sums) {
  if (tanh) {
    Product product = product_of({grad_y}, {weight}, grad_pre);
    add_epilogue(product, Epilogue::kGeluSlope, pre);
    if (runs(grad_pre, product)) {
      // Not the epilogue's: that rounds sums to T and overwrites what is there.
      if (grad_pre_sums.defined()) add_column_sums(grad_pre, grad_pre_sums);
      return;
    }
  }
  linear_backward(grad_y, {}, weight, {}, grad_pre);
  gelu_backward(grad_pre, pre, tanh, grad_pre, grad_pre_sums);
}

}  // namespace precis::ops
