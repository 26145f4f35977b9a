#include "lib/generate/host_logits.h"

#include <ATen/Parallel.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/topk.h>

#include <algorithm>

namespace precis {

void HostLogits::load(const at::Tensor& logits) {
  if (logits.is_cpu()) {
    rows_ = logits.contiguous();
    return;
  }
  if (!pinned_.defined() || pinned_.numel() < logits.numel()) {
    pinned_ = at::empty({logits.numel()}, at::TensorOptions(at::kFloat).pinned_memory(true));
  }
  rows_ = pinned_.narrow(0, 0, logits.numel()).view(logits.sizes());
  rows_.copy_(logits);
}

std::span<float> HostLogits::row(int64_t i) const {
  const int64_t size = rows_.size(1);
  return {rows_.mutable_data_ptr<float>() + i * size, static_cast<size_t>(size)};
}

void for_rows(int64_t num_rows, const std::function<void(int64_t)>& work) {
  at::parallel_for(0, num_rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) work(row);
  });
}

std::vector<int32_t> argmax_rows(const at::Tensor& logits) {
  std::vector<int32_t> tokens(static_cast<size_t>(logits.size(0)));
  if (logits.is_cpu()) {
    HostLogits host;
    host.load(logits);
    for_rows(host.num_rows(), [&](int64_t row) { tokens[row] = argmax(host.row(row)); });
  } else {
    const at::Tensor best = at::argmax(logits, 1).to(at::kInt).cpu();
    std::copy_n(best.const_data_ptr<int32_t>(), tokens.size(), tokens.begin());
  }
  return tokens;
}

std::vector<std::vector<Candidate>> top_rows(const at::Tensor& logits, int64_t k,
                                             bool log_probabilities) {
  const at::Tensor scores = log_probabilities ? at::log_softmax(logits, 1) : logits;
  const auto [best, where] = at::topk(scores, std::min(k, logits.size(1)), 1);
  const at::Tensor values = best.cpu();
  const at::Tensor indices = where.to(at::kInt).cpu();
  std::vector<std::vector<Candidate>> rows(static_cast<size_t>(logits.size(0)));
  const auto* value = values.const_data_ptr<float>();
  const auto* index = indices.const_data_ptr<int32_t>();
  for (auto& row : rows) {
    row.resize(static_cast<size_t>(values.size(1)));
    for (Candidate& candidate : row) candidate = {*value++, *index++};
    std::sort(row.begin(), row.end(), better);
  }
  return rows;
}

}  // namespace precis
