// Digests of what a run reads: whether two ranks, or two starts, have read the same.
#pragma once

#include <cstdint>
#include <span>

#include "lib/data/dataset.h"
#include "lib/text/vocabulary_files.h"

namespace precis {

/// Of all that is used of the rows, in their order.
uint64_t digest_of(std::span<const Example> rows);
uint64_t digest_of(const VocabularyTexts& texts);

}  // namespace precis
