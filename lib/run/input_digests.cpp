#include "lib/run/input_digests.h"

#include <string>

#include "lib/base/digest_text.h"
#include "lib/base/random.h"

namespace precis {

uint64_t digest_of(std::span<const Example> rows) {
  uint64_t digest = rows.size();
  for (const Example& row : rows)
    for (const std::string* text : {&row.id, &row.dialogue, &row.summary})
      digest = mix_key({digest, digest_of_text(*text)});
  return digest;
}

uint64_t digest_of(const VocabularyTexts& texts) {
  uint64_t digest = 0;
  for (const std::string* text : {&texts.vocab_json, &texts.merges_txt, &texts.added_tokens})
    digest = mix_key({digest, digest_of_text(*text)});
  return digest;
}

}  // namespace precis
