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

/// Pieces of less than kKeyBytes bytes that have at most kIds tokens. Of fixed size: four places
/// for each hash, two of which are looked at first; what is new there takes the oldest one's.
template <size_t kKeyBytes, size_t kIds>
class PieceCache {
 public:
  static constexpr size_t kMaxBytes = kKeyBytes - 1;
  static constexpr size_t kMaxIds = kIds;
  /// The piece's bytes, zeros, and its length in the last byte.
  using Key = std::array<uint64_t, kKeyBytes / 8>;
  struct Entry {
    Key key{};  // all zero: empty, as no piece is
    std::array<int32_t, kIds> ids{};
    int32_t num_ids = 0;
  };

  /// num_entries: a power of two, at least 4.
  explicit PieceCache(size_t num_entries)
      : buckets_(num_entries / 2), shift_(64 - std::countr_zero(buckets_.size())) {}

  /// The key of the piece [p, p + num_bytes), num_bytes <= kMaxBytes, of a text that ends at `end`.
  static Key make_key(const char* p, size_t num_bytes, const char* end) {
    if (static_cast<size_t>(end - p) >= kKeyBytes) return make_key(p, num_bytes);
    std::array<char, kKeyBytes> padded{};
    std::memcpy(padded.data(), p, num_bytes);
    return make_key(padded.data(), num_bytes);
  }
  /// The same where kKeyBytes bytes can be read at p: copying a fixed size and clearing what is too
  /// much is faster.
  static Key make_key(const char* p, size_t num_bytes) {
    Key key;
    std::memcpy(key.data(), p, kKeyBytes);
    for (size_t w = 0; w < key.size(); ++w) key[w] &= kKeptBytes[num_bytes][w];
    key.back() |= uint64_t{num_bytes} << 56;
    return key;
  }

  /// Null: not known. Valid until the next insert.
  const Entry* find(const Key& key) const {
    const size_t place = place_of(key);
    if (const Entry* entry = find_in(buckets_[place], key)) [[likely]]
      return entry;
    return find_in(buckets_[place ^ 1], key);
  }

  /// Too many ids are not remembered.
  void insert(const Key& key, std::span<const int32_t> ids) {
    if (ids.size() > kMaxIds) return;
    const size_t place = place_of(key);
    const bool beside = is_full(buckets_[place]) && !is_full(buckets_[place ^ 1]);
    Bucket& bucket = buckets_[beside ? place ^ 1 : place];
    bucket[1] = bucket[0];
    Entry& entry = bucket[0];
    entry.key = key;
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
    entry.num_ids = static_cast<int32_t>(ids.size());
  }

 private:
  /// In one cache line, where the keys are short.
  struct alignas(64) Bucket : std::array<Entry, 2> {};

  /// Masks for the first 0 to kMaxBytes bytes of little-endian words.
  static constexpr std::array<Key, kKeyBytes> kKeptBytes = [] {
    std::array<Key, kKeyBytes> masks{};
    for (size_t n = 0; n < kKeyBytes; ++n)
      for (size_t b = 0; b < n; ++b) masks[n][b / 8] |= uint64_t{0xFF} << (b % 8 * 8);
    return masks;
  }();
  static_assert(std::endian::native == std::endian::little);
  static_assert(kKeyBytes % 8 == 0 && kKeyBytes <= 256);

  /// 0: none. In line, where == of std::array calls memcmp: a third of the whole encoding.
  static uint64_t difference(const Key& a, const Key& b) {
    uint64_t bits = 0;
    for (size_t w = 0; w < a.size(); ++w) bits |= a[w] ^ b[w];
    return bits;
  }

  static const Entry* find_in(const Bucket& bucket, const Key& key) {
    const uint64_t first = difference(bucket[0].key, key);
    const uint64_t second = difference(bucket[1].key, key);
    // Which of the two it is nobody can foresee: it must not become a branch.
    return std::min(first, second) == 0 ? &bucket[second == 0 ? 1 : 0] : nullptr;
  }

  static bool is_full(const Bucket& bucket) { return bucket[1].key.back() != 0; }

  /// Of the bucket; when that is full, the one beside it is the next.
  size_t place_of(const Key& key) const {
    uint64_t hash = 0;
    for (size_t w = 0; w < key.size(); ++w) hash += key[w] * kFactors[w];  // all at once
    return static_cast<size_t>(hash >> shift_);
  }

  /// Odd, random.
  static constexpr Key kFactors = [] {
    Key factors{};
    uint64_t state = 0x9E3779B97F4A7C15ULL;
    for (uint64_t& factor : factors) {
      factor = state | 1;
      state = (state ^ state >> 29) * 0xD6E8FEB86659FD93ULL;
    }
    return factors;
  }();

  std::vector<Bucket> buckets_;
  int shift_;
};

}  // namespace precis
