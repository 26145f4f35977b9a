// Bigrams in a hash table with open addressing, which is filled from one text and used up by the
// other.
#include "lib/metrics/ngrams.h"

#include <bit>
#include <vector>

namespace precis {
namespace {

struct Slot {
  uint64_t bigram = 0;
  uint32_t left = 0;
  bool used = false;
};

/// Counts of bigrams; room for as many distinct ones as announced.
class BigramCounts {
 public:
  explicit BigramCounts(size_t most) : slots_(std::bit_ceil(2 * most + 1)) {}

  Slot& find(uint32_t first, uint32_t second) {
    const uint64_t bigram = uint64_t{first} << 32 | second;
    uint64_t hash = bigram * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    while (slots_[at].used && slots_[at].bigram != bigram) at = (at + 1) & mask;
    slots_[at].bigram = bigram;
    return slots_[at];
  }

 private:
  std::vector<Slot> slots_;
};

}  // namespace

size_t num_shared_bigrams(std::span<const uint32_t> reference,
                          std::span<const uint32_t> prediction) {
  if (reference.size() < 2 || prediction.size() < 2) return 0;
  BigramCounts counts(prediction.size() - 1);
  for (size_t i = 0; i + 1 < prediction.size(); ++i) {
    Slot& slot = counts.find(prediction[i], prediction[i + 1]);
    slot.used = true;
    ++slot.left;
  }
  size_t hits = 0;
  for (size_t i = 0; i + 1 < reference.size(); ++i) {
    Slot& slot = counts.find(reference[i], reference[i + 1]);
    if (slot.left == 0) continue;
    ++hits;
    --slot.left;
  }
  return hits;
}

}  // namespace precis
