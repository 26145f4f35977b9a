#include "lib/text/encode_all.h"

#include "lib/base/share_blocks.h"

namespace precis {

namespace {

/// Texts that a thread takes at a time: few, so that all end together, yet enough for taking them
/// to cost nothing.
constexpr size_t kBlock = 32;

}  // namespace

std::vector<std::vector<int32_t>> encode_all(const BpeTokenizer& tokenizer,
                                             std::span<const std::string> texts, int num_threads) {
  std::vector<std::vector<int32_t>> ids(texts.size());
  share_blocks(texts.size(), kBlock, num_threads, [&](size_t first, size_t last) {
    const BpeTokenizer::Encoder encoder = tokenizer.encoder();
    for (size_t i = first; i < last; ++i) encoder.encode_to(texts[i], ids[i]);
  });
  return ids;
}

}  // namespace precis
