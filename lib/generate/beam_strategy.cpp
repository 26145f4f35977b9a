#include "lib/generate/beam_strategy.h"

#include <utility>

#include "lib/generate/rules.h"

namespace precis {

BeamStrategy::BeamStrategy(std::span<const Prompt* const> batch, const GenerationConfig& config,
                           const EndTokens& end_tokens, Finished finished)
    : processors_(make_processors(config, end_tokens)), finished_(std::move(finished)) {
  for (size_t place = 0; place < batch.size(); ++place) {
    searches_.push_back({place, BeamSearch(batch[place]->tokens, config, end_tokens)});
  }
}

void BeamStrategy::choose(const at::Tensor& logits) {
  find_candidates(logits);
  advance();
}

/// The best tokens of each row by their log-probabilities, which the processors change after they
/// were normalised.
void BeamStrategy::find_candidates(const at::Tensor& logits) {
  const int64_t wanted = searches_.front().beams.candidates_per_beam();
  if (processors_.empty() && !logits.is_cpu()) {
    candidates_ = top_log_probabilities(logits, wanted);
    return;
  }
  host_.load(logits);
  candidates_.resize(static_cast<size_t>(host_.num_rows()));
  std::vector<RowHistory> histories;
  for (const Search& search : searches_) {
    for (int64_t beam = 0; beam < search.beams.num_beams(); ++beam) {
      histories.push_back(search.beams.history(beam));
    }
  }
  for_rows(host_, [&](int64_t row) {
    const std::span<float> scores = host_.row(row);
    log_softmax_in_place(scores);
    for (const auto& processor : processors_) {
      processor->apply(histories[static_cast<size_t>(row)], scores);
    }
    top_candidates(scores, wanted, candidates_[static_cast<size_t>(row)]);
  });
}

/// Moves each search on; finished ones leave the batch.
void BeamStrategy::advance() {
  rows_.clear();
  tokens_.clear();
  int64_t first_row = 0;
  for (Search& search : searches_) {
    BeamSearch& beams = search.beams;
    const int64_t num_rows = beams.num_beams();
    beams.advance(std::span(candidates_)
                      .subspan(static_cast<size_t>(first_row), static_cast<size_t>(num_rows)));
    if (beams.done()) {
      finished_(search.place, beams.best());
    } else {
      for (int64_t beam = 0; beam < beams.num_beams(); ++beam) {
        rows_.push_back(first_row + beams.parent(beam));
        tokens_.push_back(beams.last_token(beam));
      }
    }
    first_row += num_rows;
  }
  std::erase_if(searches_, [](const Search& search) { return search.beams.done(); });
}

}  // namespace precis
