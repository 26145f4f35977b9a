#include "lib/ops/packed_linear.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "lib/ops/cpu_product.h"
#include "lib/ops/packed_product.h"
#include "lib/tensor/dispatch.h"
#include "lib/tensor/huge_pages.h"

namespace precis::ops {
namespace {

using cpu::kPanel;

int64_t panels_of(int64_t out) {
  return (out + kPanel - 1) / kPanel;
}

/// Calls work(panel, to) for each panel of a new array of W; `to` [in, 16] is to be filled.
template <typename W, typename Work>
at::Tensor fill_panels(const at::Tensor& weight, at::ScalarType type, const Work& work) {
  const int64_t panels = panels_of(weight.size(0)), in = weight.size(1);
  const at::Tensor all = at::empty({panels, in, kPanel}, at::TensorOptions(type));
  prefer_huge_pages(all);
  auto* data = static_cast<W*>(all.data_ptr());
  at::parallel_for(0, panels, 1, [&](int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; ++panel) work(panel, data + panel * in * kPanel);
  });
  return all;
}

bool is_wide() {
  static const bool wide = cpu::avx512::is_supported();
  return wide;
}

template <typename W>
void multiply(const cpu::PackedProduct& product) {
  const bool wide = is_wide();
  at::parallel_for(0, panels_of(product.out), 1, [&](int64_t first, int64_t last) {
    if (wide)
      cpu::avx512::multiply_panels<W>(product, first, last);
    else
      cpu::multiply_panels<W>(product, first, last);
  });
}

}  // namespace

bool packed_is_faster(int64_t rows) {
  constexpr int64_t kFewRows = 64;  // from here on oneDNN and MKL reach the rate on plain weights
  return rows <= kFewRows || !is_wide() || cpu::amx::is_supported();
}

int64_t packed_bytes(int64_t out, int64_t in, at::ScalarType type) {
  const int64_t scales = type == at::kChar ? out * static_cast<int64_t>(sizeof(float)) : 0;
  return panels_of(out) * kPanel * in * static_cast<int64_t>(c10::elementSize(type)) + scales;
}

PackedWeight pack_weight(const at::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  PackedWeight packed{{}, {}, out, in};
  with_element(weight.scalar_type(), [&]<typename T>(T) {
    const T* from = weight.const_data_ptr<T>();
    packed.panels = fill_panels<T>(weight, weight.scalar_type(), [&](int64_t panel, T* to) {
      const int64_t row = panel * kPanel, rows = std::min<int64_t>(kPanel, out - row);
      if (rows < kPanel) std::fill_n(to, in * kPanel, T(0));
      for (int64_t i = 0; i < in; ++i)
        for (int64_t lane = 0; lane < rows; ++lane)
          to[i * kPanel + lane] = from[(row + lane) * in + i];
    });
  });
  return packed;
}

PackedWeight pack_as_int8(const at::Tensor& weight) {
  constexpr float kSteps = 127;
  const int64_t out = weight.size(0), in = weight.size(1);
  PackedWeight packed{{}, at::empty({out}, at::TensorOptions(at::kFloat)), out, in};
  const auto* from = weight.const_data_ptr<float>();
  auto* scales = packed.scales.mutable_data_ptr<float>();
  packed.panels = fill_panels<int8_t>(weight, at::kChar, [&](int64_t panel, int8_t* to) {
    const int64_t row = panel * kPanel, rows = std::min<int64_t>(kPanel, out - row);
    if (rows < kPanel) std::fill_n(to, in * kPanel, int8_t{0});
    float over[kPanel] = {};
    for (int64_t lane = 0; lane < rows; ++lane) {
      const float* values = from + (row + lane) * in;
      float most = 0;
      for (int64_t i = 0; i < in; ++i) most = std::max(most, std::abs(values[i]));
      scales[row + lane] = most / kSteps;
      over[lane] = most > 0 ? kSteps / most : 0;
    }
    for (int64_t i = 0; i < in; ++i)
      for (int64_t lane = 0; lane < rows; ++lane)
        to[i * kPanel + lane] =
            static_cast<int8_t>(std::nearbyint(from[(row + lane) * in + i] * over[lane]));
  });
  return packed;
}

void packed_linear(const at::Tensor& x, const PackedWeight& weight, const at::Tensor& bias,
                   const at::Tensor& out) {
  const bool narrow = x.scalar_type() != at::kFloat;
  const at::Tensor wide_x = x.to(at::kFloat),
                   wide_bias = bias.defined() ? bias.to(at::kFloat) : bias,
                   y = narrow ? at::empty(out.sizes(), at::TensorOptions(at::kFloat)) : out;
  const cpu::PackedProduct product{wide_x.const_data_ptr<float>(),
                                   x.size(0),
                                   weight.in,
                                   weight.out,
                                   weight.panels.const_data_ptr(),
                                   data_or_null<float>(weight.scales),
                                   data_or_null<float>(wide_bias),
                                   y.data_ptr<float>()};
  const bool integers = weight.panels.scalar_type() == at::kChar;
  if ((integers || weight.panels.scalar_type() == at::kFloat) &&
      cpu_product::splits(product.rows, product.out, product.in, integers)) {
    const cpu::SplitFactor panels{product.panels, product.out, kPanel * product.in, 1,
                                  kPanel,         integers};
    cpu_product::multiply_split({cpu::lines_are_rows(product.x, product.rows, product.in), panels,
                                 product.in, product.scales, product.bias, product.y, product.out,
                                 /*adds=*/false});
    if (narrow) at::Tensor(out).copy_(y);
    return;
  }
  switch (weight.panels.scalar_type()) {
    case at::kChar:
      multiply<int8_t>(product);
      break;
    case at::kBFloat16:
      multiply<uint16_t>(product);
      break;
    default:
      multiply<float>(product);
  }
  if (narrow) at::Tensor(out).copy_(y);
}

}  // namespace precis::ops
