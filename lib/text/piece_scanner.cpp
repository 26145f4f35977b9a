#include "lib/text/piece_scanner.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lib/text/byte_masks.h"
#include "lib/text/splitter.h"

namespace precis {

namespace {

/// The first n of 64 bits.
uint64_t first_bits(size_t n) {
  return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
}

/// Before the end of a text, too, white space keeps its last character.
bool is_space_or_end(const char* p, const char* end) {
  return p == end ||
         splitter::classify(p, end).char_class == static_cast<uint8_t>(CharClass::kSpace);
}

/// Of no bits any place, without asking.
size_t lowest_place(uint64_t bits) {
  return static_cast<size_t>(std::countr_zero(bits | uint64_t{1} << 63));
}

/// Writes base + the place of each bit, in order; up to seven more are overwritten.
uint16_t* write_places(uint64_t bits, size_t base, uint16_t* out) {
  uint16_t* const stop = out + std::popcount(bits);
  for (; out < stop; out += 8)
    for (size_t i = 0; i < 8; ++i) {
      out[i] = static_cast<uint16_t>(base + lowest_place(bits));
      bits &= bits - 1;
    }
  return stop;
}

}  // namespace

PieceScanner::Batch PieceScanner::next() {
  const char* const base = at_;
  uint16_t* out = ends_.data();
  for (size_t block = 0; block < kMaxBlocks && at_ < end_; ++block) {
    const auto left = static_cast<size_t>(end_ - at_);
    uint64_t starts = 0;
    if (left >= kBlockBytes) {
      starts = starts_of_block(at_);
    } else {
      std::array<char, kBlockBytes> padded;
      padded.fill(' ');
      std::memcpy(padded.data(), at_, left);
      starts = starts_of_block(padded.data()) & first_bits(left);
    }
    if (at_ == begin_) starts &= ~uint64_t{1};  // no piece ends there
    out = write_places(starts, block * kBlockBytes, out);
    at_ += std::min(left, kBlockBytes);
  }
  if (at_ == end_) *out++ = static_cast<uint16_t>(at_ - base);
  return {base, {ends_.data(), out}};
}

/// Where pieces begin among the 64 bytes at `block`, a copy of those at at_ that may have blanks
/// behind the end of the text.
inline uint64_t PieceScanner::starts_of_block(const char* block) {
  const ByteMasks bytes = byte_masks(block);
  Classes classes{bytes.letter, bytes.number, bytes.space, 0};
  if (bytes.non_ascii != 0) classify_non_ascii(bytes.non_ascii, classes);
  const auto [letter, number, space, lone_space] = classes;
  const uint64_t other = ~(letter | number | space);
  const uint64_t as_before = (letter & (letter << 1 | letter_)) |
                             (number & (number << 1 | number_)) | (space & (space << 1 | space_)) |
                             (other & (other << 1 | other_));
  const uint64_t after_blank = bytes.blank << 1 | blank_;
  const bool space_follows =
      is_space_or_end(at_ + std::min(kBlockBytes, static_cast<size_t>(end_ - at_)), end_);
  const uint64_t before_other = ~space >> 1 | uint64_t{!space_follows} << 63;
  uint64_t starts =
      (~as_before & ~(after_blank & ~space)) | (bytes.space & before_other) | lone_space;
  letter_ = letter >> 63;
  number_ = number >> 63;
  space_ = space >> 63;
  other_ = other >> 63;
  blank_ = bytes.blank >> 63;
  const uint64_t apostrophes = bytes.apostrophe & starts;
  if ((apostrophes | set_ | cleared_) != 0) starts = apply_contractions(starts, apostrophes);
  return starts;
}

/// Adds the characters of several bytes, which may go on in the next block.
void PieceScanner::classify_non_ascii(uint64_t non_ascii, Classes& classes) {
  const auto put = [&](CharClass found, uint64_t bits) {
    if (found == CharClass::kLetter) classes.letter |= bits;
    if (found == CharClass::kNumber) classes.number |= bits;
    if (found == CharClass::kSpace) classes.space |= bits;
  };
  const uint64_t spilled = first_bits(spilled_);
  put(spilled_class_, spilled);
  spilled_ = 0;
  for (non_ascii &= ~spilled; non_ascii != 0;) {
    const auto place = static_cast<size_t>(std::countr_zero(non_ascii));
    const splitter::ClassedChar c = splitter::classify(at_ + place, end_);
    const auto found = static_cast<CharClass>(c.char_class);
    const uint64_t bits = first_bits(c.num_bytes) << place;
    put(found, bits);
    non_ascii &= ~bits;
    if (found == CharClass::kSpace && !is_space_or_end(at_ + place + c.num_bytes, end_))
      classes.lone_space |= uint64_t{1} << place;
    if (place + c.num_bytes > kBlockBytes) {
      spilled_ = static_cast<uint32_t>(place + c.num_bytes - kBlockBytes);
      spilled_class_ = found;
    }
  }
}

/// An apostrophe that begins a piece may begin a contraction: its letters begin none, and what
/// follows does.
uint64_t PieceScanner::apply_contractions(uint64_t starts, uint64_t apostrophes) {
  uint64_t set = set_, cleared = cleared_;
  set_ = cleared_ = 0;
  for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
    const auto place = static_cast<size_t>(std::countr_zero(apostrophes));
    const auto bytes = static_cast<size_t>(splitter::contraction_bytes(at_ + place, end_));
    if (bytes == 0) continue;
    const auto mark = [place](size_t behind, uint64_t& here, uint64_t& next) {
      const size_t bit = place + behind;
      (bit < 64 ? here : next) |= uint64_t{1} << (bit & 63);
    };
    mark(1, cleared, cleared_);
    mark(bytes, set, set_);
  }
  return (starts & ~cleared) | set;
}

}  // namespace precis
