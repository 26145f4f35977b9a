// Remembers the tokens of short pieces: natural text repeats its words.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace precis {

/// Pieces of less than kKeyBytes bytes that have at most kMaxIds tokens. Of fixed size: two places
/// for each hash, of which the newer entry takes the first.
template <size_t kKeyBytes, size_t kMaxIds>
class PieceCache {
 public:
  static constexpr size_t kMaxBytes = kKeyBytes - 1;
  /// The piece's bytes, zeros, and its length in the last byte.
  using Key = std::array<uint64_t, kKeyBytes / 8>;
  struct Entry {
    Key key{};  // all zero: empty, as no piece is
    std::array<int32_t, kMaxIds> ids{};
    int32_t num_ids = 0;
  };

  /// num_entries: a power of two, at least 2.
  explicit PieceCache(size_t num_entries) : entries_(num_entries) {}

  /// The key of the piece [p, p + num_bytes), num_bytes <= kMaxBytes, of a text that ends at `end`.
  static Key make_key(const char* p, size_t num_bytes, const char* end) {
    Key key{};
    if (static_cast<size_t>(end - p) < kKeyBytes) {
      std::memcpy(key.data(), p, num_bytes);
    } else {  // copying a fixed size and clearing what is too much is faster
      std::memcpy(key.data(), p, kKeyBytes);
      for (size_t w = 0; w < key.size(); ++w) {
        const size_t kept = num_bytes > 8 * w ? std::min<size_t>(num_bytes - 8 * w, 8) : 0;
        key[w] &= kKeptBytes[kept];
      }
    }
    key.back() |= uint64_t{num_bytes} << 56;
    return key;
  }

  /// Null: not known. Valid until the next insert.
  const Entry* find(const Key& key) const {
    const size_t at = place_of(key);
    if (equal(entries_[at].key, key)) return &entries_[at];
    if (equal(entries_[at + 1].key, key)) return &entries_[at + 1];
    return nullptr;
  }

  /// Too many ids are not remembered.
  void insert(const Key& key, std::span<const int32_t> ids) {
    if (ids.size() > kMaxIds) return;
    const size_t at = place_of(key);
    entries_[at + 1] = entries_[at];
    Entry& entry = entries_[at];
    entry.key = key;
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
    entry.num_ids = static_cast<int32_t>(ids.size());
  }

 private:
  /// Masks for the first 0 to 8 bytes of a little-endian word.
  static constexpr std::array<uint64_t, 9> kKeptBytes = [] {
    std::array<uint64_t, 9> masks{};
    for (size_t n = 0; n < 9; ++n) masks[n] = n == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * n)) - 1;
    return masks;
  }();
  static_assert(std::endian::native == std::endian::little);
  static_assert(kKeyBytes % 8 == 0 && kKeyBytes <= 256);

  /// In line, where == of std::array calls memcmp: a third of the whole encoding.
  static bool equal(const Key& a, const Key& b) {
    uint64_t difference = 0;
    for (size_t w = 0; w < a.size(); ++w) difference |= a[w] ^ b[w];
    return difference == 0;
  }

  /// The first of the two places of a key.
  size_t place_of(const Key& key) const {
    uint64_t hash = 0;
    for (const uint64_t word : key) {
      hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 32;
    }
    return static_cast<size_t>(hash) & (entries_.size() - 2);
  }

  std::vector<Entry> entries_;
};

}  // namespace precis
