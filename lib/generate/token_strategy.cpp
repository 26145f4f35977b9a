#include "lib/generate/token_strategy.h"

#include <algorithm>
#include <utility>

#include "lib/generate/rules.h"

namespace precis {
TokenStrategy::TokenStrategy(std::span<const Prompt* const> batch, const GenerationConfig& config,
                             const EndTokens& end_tokens, Finished finished)
    : max_new_tokens_(config.max_new_tokens),
      end_tokens_(end_tokens),
      processors_(make_processors(config, end_tokens)),
      finished_(std::move(finished)) {
  if (config.samples()) sampler_.emplace(config);
  for (size_t place = 0; place < batch.size(); ++place) {
    const Prompt& prompt = *batch[place];
    const uint64_t key = mix_key({static_cast<uint64_t>(config.seed), prompt.key});
    texts_.push_back(
        {place, static_cast<int64_t>(prompt.tokens.size()), prompt.tokens, RandomStream(key), {}});
    texts_.back().tokens.reserve(prompt.tokens.size() + static_cast<size_t>(max_new_tokens_));
  }
}

void TokenStrategy::choose(const at::Tensor& logits) {
  append(next_tokens(logits));
}

std::vector<int32_t> TokenStrategy::next_tokens(const at::Tensor& logits) {
  if (processors_.empty() && !sampler_) return argmax_rows(logits);
  if (processors_.empty() && sampler_->top_k() > 0 && !logits.is_cpu()) {
    return draw_from_device(logits);
  }
  host_.load(logits);
  std::vector<int32_t> tokens(texts_.size());
  for_rows(host_, [&](int64_t i) {
    const auto row = static_cast<size_t>(i);
    tokens[row] = next_token(texts_[row], host_.row(i));
  });
  return tokens;
}

int32_t TokenStrategy::next_token(Row& row, std::span<float> scores) const {
  for (const auto& processor : processors_) {
    processor->apply({row.tokens, row.prompt_length}, scores);
  }
  return sampler_ ? sampler_->draw(scores, row.random.uniform(), row.draw) : argmax(scores);
}

std::vector<int32_t> TokenStrategy::draw_from_device(const at::Tensor& logits) {
  auto kept = kept_by_top_k(logits, sampler_->top_k());
  std::vector<int32_t> tokens(kept.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    Row& row = texts_[i];
    row.draw.kept = std::move(kept[i]);
    tokens[i] = sampler_->draw_among_kept(row.random.uniform(), row.draw);
  }
  return tokens;
}

/// Gives each text its token; finished ones leave the batch.
void TokenStrategy::append(std::span<const int32_t> tokens) {
  rows_.clear();
  tokens_.clear();
  size_t running = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    Row& row = texts_[i];
    const bool ended = is_end(end_tokens_, tokens[i]);
    if (!ended) row.tokens.push_back(tokens[i]);
    const int64_t new_tokens = static_cast<int64_t>(row.tokens.size()) - row.prompt_length;
    if (ended || new_tokens == max_new_tokens_) {
      finished_(row.place, {row.tokens.begin() + row.prompt_length, row.tokens.end()});
      continue;
    }
    rows_.push_back(static_cast<int64_t>(i));
    tokens_.push_back(tokens[i]);
    if (running != i) texts_[running] = std::move(row);
    ++running;
  }
  texts_.erase(texts_.begin() + static_cast<std::ptrdiff_t>(running), texts_.end());
}

}  // namespace precis
