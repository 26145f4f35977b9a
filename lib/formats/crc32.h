// CRC-32 as zip has it (IEEE 802.3, reflected).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace precis {

/// The CRC-32 of the bytes; `before` is that of the bytes in front of them.
uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);

namespace detail {
/// The same without the processor's carry-less multiplication, for processors that lack it.
uint32_t crc32_by_tables(std::span<const std::byte> bytes, uint32_t before = 0);
}  // namespace detail

}  // namespace precis
