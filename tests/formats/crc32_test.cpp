// CRC-32: the published check value, and both ways of computing it on every length and alignment.
#include "lib/formats/crc32.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/random.h"

namespace precis {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Crc32, HasThePublishedValues) {
  EXPECT_EQ(crc32(bytes_of("")), 0U);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xCBF43926U);  // the "check" of every CRC catalogue
  EXPECT_EQ(crc32(bytes_of(std::string(1000, 'a'))),
            0x9A38DA03U);  // Python: zlib.crc32(b'a' * 1000)
}

TEST(Crc32, IsTheSameBothWaysAtEveryLengthAndAlignment) {
  RandomStream random(1);
  std::vector<std::byte> bytes(1100);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  for (size_t start = 0; start < 17; ++start) {
    for (size_t size = 0; size + start <= bytes.size(); size += size < 200 ? 1 : 37) {
      const auto part = std::span<const std::byte>(bytes).subspan(start, size);
      ASSERT_EQ(crc32(part), detail::crc32_by_tables(part)) << start << " " << size;
    }
  }
}

TEST(Crc32, GoesOnFromWhatWasBefore) {
  const std::string text(300, 'x');
  const auto all = bytes_of(text);
  for (size_t cut : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{200}, size_t{300}}) {
    EXPECT_EQ(crc32(all.subspan(cut), crc32(all.first(cut))), crc32(all)) << cut;
  }
}

}  // namespace
}  // namespace precis
