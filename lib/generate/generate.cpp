#include "lib/generate/generate.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <numeric>
#include <utility>

#include "lib/tensor/memory_shortage.h"

namespace precis {
namespace {

bool are_all_rows(std::span<const int64_t> rows, int64_t num_rows) {
  if (static_cast<int64_t>(rows.size()) != num_rows) return false;
  for (int64_t i = 0; i < num_rows; ++i) {
    if (rows[static_cast<size_t>(i)] != i) return false;
  }
  return true;
}

/// Takes tokens out of the choice before anything is computed of the logits, so that whatever comes
/// after, a beam's probabilities too, is that of a model without them.
class Suppressor {
 public:
  explicit Suppressor(const GenerateOptions& options) {
    std::vector<int64_t> ids;
    for (const int32_t id : options.suppressed_tokens)
      if (!is_end(options.end_tokens, id)) ids.push_back(id);
    if (!ids.empty()) ids_ = at::tensor(ids, at::kLong);
  }

  /// logits: [B, V], changed in place.
  void apply(const at::Tensor& logits) {
    if (!ids_.defined()) return;
    ids_ = ids_.to(logits.device());
    suppress_tokens(logits, ids_);
  }
  /// int64, where the logits last were; undefined: none.
  const at::Tensor& ids() const { return ids_; }

 private:
  at::Tensor ids_;  // int64; undefined: none
};

bool should_stop(const GenerateOptions& options) {
  return options.should_stop && options.should_stop();
}

void decode_batch(Decoder& decoder, std::span<const Prompt* const> batch,
                  const GenerationConfig& config, const GenerateOptions& options,
                  Suppressor& suppressor, Strategy& strategy) {
  std::vector<std::vector<int32_t>> tokens;
  for (const Prompt* prompt : batch) tokens.push_back(prompt->tokens);
  const auto choose = [&](const at::Tensor& logits) {
    suppressor.apply(logits);
    strategy.choose(logits);
  };
  choose(decoder.start(tokens, config.max_new_tokens));
  for (auto num_rows = static_cast<int64_t>(batch.size());
       !strategy.rows().empty() && !should_stop(options);) {
    // Reordering costs a copy of the cache; most steps of a greedy search do without.
    if (!are_all_rows(strategy.rows(), num_rows)) decoder.select(strategy.rows());
    num_rows = static_cast<int64_t>(strategy.rows().size());
    if (auto ahead = decoder.can_run() ? strategy.ahead() : std::nullopt) {
      ahead->choice.suppressed = suppressor.ids();
      strategy.take(decoder.run(strategy.tokens(), ahead->choice, ahead->uniforms, ahead->steps));
    } else {
      choose(decoder.step(strategy.tokens()));
    }
  }
}

}  // namespace

std::vector<std::vector<size_t>> plan_batches(std::span<const Prompt> prompts,
                                              const GenerationConfig& config,
                                              const GenerateOptions& options) {
  std::vector<size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return prompts[a].tokens.size() > prompts[b].tokens.size();
  });
  std::vector<std::vector<size_t>> batches;
  int64_t positions = 0;  // that a row of the last batch may need
  for (const size_t index : order) {
    const auto rows =
        batches.empty() ? 0 : static_cast<int64_t>(batches.back().size() + 1) * config.num_beams;
    if (batches.empty() || rows > options.max_batch_rows ||
        rows * positions > options.max_batch_tokens) {
      batches.emplace_back();
      positions = static_cast<int64_t>(prompts[index].tokens.size()) + config.max_new_tokens;
    }
    batches.back().push_back(index);
  }
  return batches;
}

std::vector<std::vector<int32_t>> generate(Decoder& decoder, std::span<const Prompt> prompts,
                                           const GenerationConfig& config,
                                           const GenerateOptions& options) {
  config.validate();
  Suppressor suppressor(options);
  std::vector<std::vector<int32_t>> texts(prompts.size());
  std::vector<bool> is_done(prompts.size());
  std::vector<std::vector<size_t>> batches = plan_batches(prompts, config, options);
  std::ranges::reverse(batches);  // the next one is the last
  while (!batches.empty() && !should_stop(options)) {
    std::vector<size_t> indices = std::move(batches.back());
    batches.pop_back();
    std::vector<const Prompt*> batch;
    for (const size_t index : indices) batch.push_back(&prompts[index]);
    const auto finished = [&](size_t place, std::vector<int32_t> tokens) {
      const size_t index = indices[place];
      texts[index] = std::move(tokens);
      if (is_done[index]) return;  // decoded once more, in a half
      is_done[index] = true;
      if (options.finished) options.finished(index, texts[index]);
    };
    try {
      decode_batch(decoder, batch, config, options, suppressor,
                   *make_strategy(batch, config, options.end_tokens, finished));
    } catch (...) {
      if (indices.size() == 1 || !is_out_of_memory(std::current_exception())) throw;
      const auto middle = indices.begin() + static_cast<std::ptrdiff_t>(indices.size() / 2);
      batches.emplace_back(middle, indices.end());
      batches.emplace_back(indices.begin(), middle);
    }
  }
  return texts;
}

}  // namespace precis
