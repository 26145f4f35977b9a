// The tokenizer reads UTF-8 by bytes. Python lower-cases before it splits; beyond ASCII only two
// characters turn into one that is kept: U+212A (Kelvin sign) into k, and U+0130 (I with dot) into
// i and a combining dot, which splits.
#include "lib/metrics/tokens.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/metrics/porter_stemmer.h"

namespace precis {
namespace {

constexpr std::string_view kKelvinSign = "\xE2\x84\xAA";
constexpr std::string_view kDottedI = "\xC4\xB0";
constexpr size_t kShortestToStem = 4;

/// Lower-case letter or digit for those of ASCII, 0 for all that splits.
constexpr std::array<char, 256> kTokenCharacter = [] {
  std::array<char, 256> kept{};
  for (char c = '0'; c <= '9'; ++c) kept[static_cast<size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) {
    kept[static_cast<size_t>(c)] = c;
    kept[static_cast<size_t>(c - 'a' + 'A')] = c;
  }
  return kept;
}();

uint64_t hash_of(std::string_view token) {
  uint64_t hash = token.size() * 0x9E3779B97F4A7C15ULL;
  for (size_t at = 0; at < token.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, token.data() + at, std::min(sizeof(word), token.size() - at));
    hash = (hash ^ word) * 0xD6E8FEB86659FD93ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

TokenTable::TokenTable(bool use_stemmer) : use_stemmer_(use_stemmer), slots_(256) {}

TokenizedText TokenTable::tokenize(std::string_view utf8_text) {
  TokenizedText text;
  text.tokens.reserve(utf8_text.size() / 5 + 1);
  std::string token;
  const auto end_token = [&] {
    if (token.empty()) return;
    if (use_stemmer_ && token.size() >= kShortestToStem) porter_stem(token);
    text.tokens.push_back(id_of(token));
    token.clear();
  };
  const auto end_sentence = [&] {
    end_token();
    const size_t begin = text.sentence_ends.empty() ? 0 : text.sentence_ends.back();
    if (text.tokens.size() > begin) text.sentence_ends.push_back(text.tokens.size());
  };
  for (size_t at = 0; at < utf8_text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(utf8_text[at]);
    if (const char kept = kTokenCharacter[byte]; kept != 0) {
      token.push_back(kept);
    } else if (byte == '\n') {
      end_sentence();
    } else if (byte == 0xE2 && utf8_text.substr(at).starts_with(kKelvinSign)) {
      token.push_back('k');
      at += kKelvinSign.size() - 1;
    } else if (byte == 0xC4 && utf8_text.substr(at).starts_with(kDottedI)) {
      token.push_back('i');
      end_token();
      at += kDottedI.size() - 1;
    } else {
      end_token();
    }
  }
  end_sentence();
  return text;
}

uint32_t TokenTable::id_of(std::string_view token) {
  const uint64_t hash = hash_of(token);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const Entry& entry = entries_[slots_[slot] - 1];
    if (entry.hash == hash &&
        std::string_view(characters_).substr(entry.begin, entry.length) == token) {
      return slots_[slot] - 1;
    }
  }
  const auto id = static_cast<uint32_t>(entries_.size());
  entries_.push_back({hash, characters_.size(), token.size()});
  characters_ += token;
  slots_[slot] = id + 1;
  if (2 * entries_.size() > slots_.size()) grow();
  return id;
}

void TokenTable::grow() {
  slots_.assign(2 * slots_.size(), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

}  // namespace precis
