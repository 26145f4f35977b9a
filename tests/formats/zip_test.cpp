// Zip archives: written and read back, zip64, and every way in which one can be damaged or hostile.
#include <gtest/gtest.h>

#include "lib/formats/zip_reader.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::bytes_of;
using testing::Entries;
using testing::error_of;
using testing::expect_words;
using testing::zip_of;

const Entries kEntries = {{"a/one", "1"}, {"a/empty", ""}, {"a/two", std::string(1000, '2')}};

std::string error_of_zip(const std::string& bytes) {
  return error_of([&] {
    ZipReader zip(bytes_of(bytes), "/data/x.pt");
    for (const ZipReader::Entry& entry : zip.entries()) zip.read(entry.name);
  });
}

/// The archive with a number in it overwritten.
template <class T>
std::string with(std::string archive, size_t at, T number) {
  std::memcpy(archive.data() + at, &number, sizeof number);
  return archive;
}

size_t nth(const std::string& text, const std::string& what, int n) {
  size_t at = text.find(what);
  while (n-- > 0) at = text.find(what, at + 1);
  return at;
}

const std::string kCentral = "PK\1\2", kLocal = "PK\3\4", kEnd = "PK\5\6";

TEST(Zip, ReadsWhatItWrote) {
  for (const uint64_t zip64_from : {uint64_t{0xFFFFFFFF}, uint64_t{500}, uint64_t{0}}) {
    const std::string archive = zip_of(kEntries, zip64_from);
    EXPECT_EQ(archive.find("PK\6\6") != std::string::npos, zip64_from < 0xFFFFFFFF);
    ZipReader zip(bytes_of(archive), "x");
    ASSERT_EQ(zip.entries().size(), kEntries.size());
    for (const auto& [name, content] : kEntries) {
      const auto bytes = zip.read(name);
      EXPECT_EQ(as_text(bytes), content);
      EXPECT_EQ((as_text(bytes).data() - archive.data()) % 64, 0) << name;
    }
  }
}

TEST(Zip, FindsItsDirectoryBeforeAComment) {
  std::string archive =
      with<uint16_t>(zip_of(kEntries), zip_of(kEntries).size() - 2, 8) + "PK\5\6 end";
  ZipReader zip(bytes_of(archive), "x");
  EXPECT_EQ(as_text(zip.read("a/one")), "1");
}

TEST(Zip, NamesAMissingEntry) {
  const std::string archive = zip_of(kEntries);
  ZipReader zip(bytes_of(archive), "/data/x.pt");
  expect_words(error_of([&] { zip.read("a/three"); }), {"/data/x.pt", "a/three", "missing"});
}

TEST(Zip, RefusesEveryCut) {
  const std::string archive = zip_of({{"a/one", "1"}, {"a/two", "22"}}, 0);
  for (size_t size = 0; size < archive.size(); ++size) {
    ASSERT_NE(error_of_zip(archive.substr(0, size)), "(no error)") << size;
  }
  expect_words(error_of_zip(archive.substr(0, archive.size() - 1)), {"/data/x.pt", "cut short"});
}

TEST(Zip, FindsEveryFlippedBitOfItsContents) {
  const std::string archive = zip_of(kEntries);
  const size_t begin = archive.find(std::string(1000, '2'));
  for (size_t at = begin; at < begin + 1000; at += 7) {
    std::string damaged = archive;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    ASSERT_NE(error_of_zip(damaged).find("entry a/two: its checksum is"), std::string::npos) << at;
  }
}

TEST(Zip, RefusesWhatIsNotStored) {
  const std::string archive = zip_of(kEntries);
  const size_t central = archive.find(kCentral);
  expect_words(error_of_zip(with<uint16_t>(archive, central + 10, 8)), {"a/one", "compressed"});
  expect_words(error_of_zip(with<uint16_t>(archive, central + 8, 1)), {"a/one", "encrypted"});
  expect_words(error_of_zip(with<uint32_t>(archive, central + 20, 7)), {"a/one", "7 bytes for 1"});
}

TEST(Zip, RefusesEntriesThatOverlapOrLieOutside) {
  const std::string archive = zip_of(kEntries);
  const size_t second = nth(archive, kCentral, 1), third = nth(archive, kCentral, 2);
  const auto grown = [&](size_t central, uint32_t size) {
    return with(with(archive, central + 20, size), central + 24, size);
  };
  expect_words(error_of_zip(grown(archive.find(kCentral), 100)),
               {"a/empty", "overlaps entry a/one"});
  expect_words(error_of_zip(grown(third, 100'000)), {"a/two", "100000 bytes"});
  expect_words(error_of_zip(with<uint32_t>(archive, second + 42, 0xFFFFFFF0)),
               {"a/empty", "not where"});
  expect_words(error_of_zip(with<uint32_t>(archive, second + 42, 0)), {"a/empty", "another name"});
  expect_words(error_of_zip(zip_of({{"a", "1"}, {"a", "1"}})), {"entry a", "twice"});
}

TEST(Zip, RefusesADirectoryThatDoesNotHold) {
  const std::string archive = zip_of(kEntries);
  const size_t end = archive.find(kEnd);
  expect_words(error_of_zip(with<uint32_t>(archive, end + 16, 0xFFFFFF00)), {"outside the file"});
  expect_words(error_of_zip(with<uint32_t>(archive, end + 12, 0xFFFFFF00)), {"outside the file"});
  expect_words(error_of_zip(with<uint32_t>(archive, archive.find(kCentral), 0)),
               {"directory is damaged"});
  expect_words(error_of_zip(with<uint16_t>(archive, archive.find(kCentral) + 28, 60'000)),
               {"directory is damaged"});
  expect_words(error_of_zip(with<uint16_t>(with<uint16_t>(archive, end + 8, 9), end + 10, 9)),
               {"3 entries, but says 9"});
  const std::string large = zip_of(kEntries, 0);
  const size_t locator = large.find("PK\6\7"), record = large.find("PK\6\6");
  expect_words(error_of_zip(with<uint64_t>(large, locator + 8, ~uint64_t{0} - 10)),
               {"zip64 record"});
  expect_words(error_of_zip(with<uint64_t>(large, record + 48, ~uint64_t{0} - 10)),
               {"outside the file"});
  expect_words(error_of_zip(with<uint64_t>(large, record + 40, ~uint64_t{0} - 10)),
               {"outside the file"});
}

TEST(Zip, ShowsNoControlCharactersOfNames) {
  const std::string message = error_of_zip(zip_of({{"a\x1b[31m", "1"}, {"a\x1b[31m", "1"}}));
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace precis
