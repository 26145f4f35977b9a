#include "lib/generate/host_logits.h"

#include <ATen/Parallel.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/topk.h>

#include <algorithm>

namespace precis {
namespace {

/// Values a thread should have to work on, lest waking it costs more.
constexpr int64_t kWorthAThread = 65536;

/// The k best of each row, best first.
std::vector<std::vector<Candidate>> top_rows(const at::Tensor& scores, int64_t k) {
  const auto [best, where] = at::topk(scores, std::min(k, scores.size(1)), 1);
  const at::Tensor values = best.cpu();
  const at::Tensor indices = where.to(at::kInt).cpu();
  std::vector<std::vector<Candidate>> rows(static_cast<size_t>(scores.size(0)));
  const auto* value = values.const_data_ptr<float>();
  const auto* index = indices.const_data_ptr<int32_t>();
  for (auto& row : rows) {
    row.resize(static_cast<size_t>(values.size(1)));
    for (Candidate& candidate : row) candidate = {*value++, *index++};
    std::sort(row.begin(), row.end(), better);
  }
  return rows;
}

}  // namespace

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
  return {rows_.mutable_data_ptr<float>() + i * row_size(), static_cast<size_t>(row_size())};
}

void for_rows(const HostLogits& logits, const std::function<void(int64_t)>& work) {
  const int64_t grain =
      std::max<int64_t>(1, kWorthAThread / std::max<int64_t>(1, logits.row_size()));
  at::parallel_for(0, logits.num_rows(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) work(row);
  });
}

std::vector<int32_t> argmax_rows(const at::Tensor& logits) {
  std::vector<int32_t> tokens(static_cast<size_t>(logits.size(0)));
  if (logits.is_cpu()) {
    HostLogits host;
    host.load(logits);
    // At memory speed in one thread: less than a model's step by far.
    for (size_t row = 0; row < tokens.size(); ++row) {
      tokens[row] = argmax(host.row(static_cast<int64_t>(row)));
    }
  } else {
    const at::Tensor best = at::argmax(logits, 1).to(at::kInt).cpu();
    std::copy_n(best.const_data_ptr<int32_t>(), tokens.size(), tokens.begin());
  }
  return tokens;
}

std::vector<std::vector<Candidate>> top_log_probabilities(const at::Tensor& logits, int64_t k) {
  return top_rows(at::log_softmax(logits, 1), k);
}

std::vector<std::vector<Candidate>> kept_by_top_k(const at::Tensor& logits, int64_t k) {
  auto rows = top_rows(logits, k + kPossibleTies);
  for (auto& row : rows) {
    const float threshold = row[std::min(row.size(), static_cast<size_t>(k)) - 1].score;
    std::erase_if(row, [&](const Candidate& candidate) { return candidate.score < threshold; });
    std::sort(row.begin(), row.end(),
              [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
  }
  return rows;
}

}  // namespace precis
