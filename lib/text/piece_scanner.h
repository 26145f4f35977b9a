// Finds the pieces of a text, as piece_end() in splitter.h does, 64 bytes at a time and without a
// branch for each: ends of words are what a processor cannot foresee.
// Source: the bit arithmetic of Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/text/unicode_classes.h"

namespace precis {

/// Goes once through a text, which must stay as it is meanwhile.
class PieceScanner {
 public:
  static constexpr size_t kBlockBytes = 64;
  static constexpr size_t kMaxBlocks = 16;  ///< that a batch is made of
  static constexpr size_t kMaxBytes = kMaxBlocks * kBlockBytes;

  PieceScanner(const char* begin, const char* end) : at_(begin), begin_(begin), end_(end) {}

  /// Ends of pieces, in order, each of which is the next piece's beginning.
  struct Batch {
    const char* base = nullptr;
    std::span<const uint16_t> ends;  ///< bytes behind base; valid until the next call
  };

  /// The ends within the next kMaxBytes of the text, which may be none; the last is the text's.
  Batch next();
  bool done() const { return at_ == end_; }

 private:
  /// A bit for each byte of a block; those of a character all have its class.
  struct Classes {
    uint64_t letter, number, space;
    uint64_t lone_space;  ///< white space of several bytes before something else: a piece
  };

  uint64_t starts_of_block(const char* block);
  void classify_non_ascii(uint64_t non_ascii, Classes& classes);
  uint64_t apply_contractions(uint64_t starts, uint64_t apostrophes);

  const char* at_;
  const char* begin_;
  const char* end_;
  // What the block before leaves to the next one:
  uint64_t letter_ = 0, number_ = 0, space_ = 0, other_ = 0, blank_ = 0;  // is its last byte one
  uint64_t set_ = 0, cleared_ = 0;  // starts that a contraction makes, takes away
  uint32_t spilled_ = 0;            // bytes of its last character
  CharClass spilled_class_ = CharClass::kOther;
  std::array<uint16_t, kMaxBytes + 8> ends_;  // eight are written at a time
};

}  // namespace precis
