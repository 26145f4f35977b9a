// The printable alphabet in which vocab.json and merges.txt spell bytes (bytes_to_unicode of
// OpenAI's gpt-2 encoder.py).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace precis {

/// Number of bytes, and of tokens before the first merge.
inline constexpr int kNumBytes = 256;

/// The code point that stands for a byte: the byte itself where Latin-1 prints it, else 256 and up
/// in order.
uint32_t symbol_of_byte(uint8_t byte);

/// Bytes in the alphabet, as UTF-8.
std::string spell(std::string_view bytes);

/// The bytes of a text in the alphabet; empty optional where a character is not of the alphabet.
std::optional<std::string> unspell(std::string_view text);

/// The bytes in the order of their symbols: GPT-2 numbers its first 256 tokens so.
std::string bytes_in_symbol_order();

}  // namespace precis
