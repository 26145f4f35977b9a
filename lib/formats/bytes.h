// Little-endian numbers in bounded byte spans.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace precis {

static_assert(std::endian::native == std::endian::little,
              "files are read and written as they lie in memory");

/// The number at an offset; the caller has checked that it lies inside.
template <class T>
T load_number(std::span<const std::byte> bytes, size_t at) {
  assert(at <= bytes.size() && bytes.size() - at >= sizeof(T));
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Appends a number's bytes.
template <class T>
void append_number(std::string& to, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof value);
}

}  // namespace precis
