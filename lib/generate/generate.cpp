#include "lib/generate/generate.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace precis {
namespace {

bool are_all_rows(std::span<const int64_t> rows, int64_t num_rows) {
  if (static_cast<int64_t>(rows.size()) != num_rows) return false;
  for (int64_t i = 0; i < num_rows; ++i) {
    if (rows[static_cast<size_t>(i)] != i) return false;
  }
  return true;
}

void decode_batch(Decoder& decoder, std::span<const Prompt* const> batch,
                  const GenerationConfig& config, Strategy& strategy) {
  std::vector<std::vector<int32_t>> tokens;
  for (const Prompt* prompt : batch) tokens.push_back(prompt->tokens);
  at::Tensor logits = decoder.start(tokens, config.max_new_tokens);
  for (;;) {
    const int64_t num_rows = logits.size(0);
    strategy.choose(logits);
    if (strategy.rows().empty()) return;
    // Reordering costs a copy of the cache; most steps of a greedy search do without.
    if (!are_all_rows(strategy.rows(), num_rows)) decoder.select(strategy.rows());
    logits = decoder.step(strategy.tokens());
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
  std::vector<std::vector<int32_t>> texts(prompts.size());
  size_t done = 0;
  for (const auto& indices : plan_batches(prompts, config, options)) {
    std::vector<const Prompt*> batch;
    for (const size_t index : indices) batch.push_back(&prompts[index]);
    const auto finished = [&](size_t place, std::vector<int32_t> tokens) {
      texts[indices[place]] = std::move(tokens);
      ++done;
      if (options.progress) options.progress(done);
    };
    decode_batch(decoder, batch, config,
                 *make_strategy(batch, config, options.end_tokens, finished));
  }
  return texts;
}

}  // namespace precis
