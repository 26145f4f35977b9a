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
  take(next_tokens(logits));
}

std::optional<Strategy::Ahead> TokenStrategy::ahead() {
  constexpr int64_t kSteps = 8;  // an ended text goes on until the host looks: fewer are wasted
  if (!processors_.empty() || (sampler_ && !sampler_->draws_by_top_k_alone())) return std::nullopt;
  // All texts of a batch have been given the same number of tokens.
  Ahead ahead{{}, std::min(kSteps, max_new_tokens_ - new_tokens(texts_.front())), {}};
  if (!sampler_) return ahead;
  ahead.choice.top_k = sampler_->top_k();
  ahead.choice.scale = sampler_->scale();
  for (int64_t step = 0; step < ahead.steps; ++step)
    for (Row& row : texts_) ahead.uniforms.push_back(row.random.uniform());
  return ahead;
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

int64_t TokenStrategy::new_tokens(const Row& row) const {
  return static_cast<int64_t>(row.tokens.size()) - row.prompt_length;
}

/// Whether the text goes on.
bool TokenStrategy::append(Row& row, int32_t token) const {
  const bool ended = is_end(end_tokens_, token);
  if (!ended) row.tokens.push_back(token);
  if (!ended && new_tokens(row) < max_new_tokens_) return true;
  finished_(row.place, {row.tokens.begin() + row.prompt_length, row.tokens.end()});
  return false;
}

/// Gives each text its tokens; finished ones leave the batch, and what came after is no one's.
void TokenStrategy::take(std::span<const int32_t> chosen) {
  rows_.clear();
  tokens_.clear();
  const size_t rows = texts_.size();
  size_t running = 0;
  for (size_t i = 0; i < rows; ++i) {
    Row& row = texts_[i];
    bool goes_on = true;
    size_t at = i;
    for (; goes_on && at < chosen.size(); at += rows) goes_on = append(row, chosen[at]);
    if (!goes_on) continue;
    rows_.push_back(static_cast<int64_t>(i));
    tokens_.push_back(chosen[at - rows]);
    if (running != i) texts_[running] = std::move(row);
    ++running;
  }
  texts_.erase(texts_.begin() + static_cast<std::ptrdiff_t>(running), texts_.end());
}

}  // namespace precis
