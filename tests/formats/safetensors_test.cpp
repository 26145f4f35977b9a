// safetensors: a file of the reference library read, written ones read back, and each of the
// format's rules broken.
#include "lib/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/random.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::array_of;
using testing::bytes_of;
using testing::error_of;
using testing::expect_words;
using testing::numbers_of;
using testing::TemporaryFolder;
using Tensors = std::vector<std::pair<std::string, ArrayView>>;

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  append_number<uint64_t>(bytes, header.size());
  return bytes + header + data;
}

std::string error_of_file(const std::string& bytes) {
  return error_of([&] { SafetensorsFile(bytes_of(bytes), nullptr, "/data/m.safetensors"); });
}

/// What is said of a file with these entries and so many bytes of tensors.
std::string error_of_entries(const std::string& entries, size_t size) {
  return error_of_file(file_of("{" + entries + "}", std::string(size, '\0')));
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{}]}})", name, dtype,
                     shape, offsets);
}

TEST(Safetensors, ReadsEveryElementTypeOfTheReference) {
  const SafetensorsFile file("tests/golden/formats_torch.safetensors");
  const auto array = [&](const char* name) {
    const ArrayView* found = file.find(name);
    EXPECT_NE(found, nullptr) << name;
    return found == nullptr ? ArrayView{} : *found;
  };
  EXPECT_EQ(file.tensors().size(), 12U);
  EXPECT_EQ(numbers_of<double>(array("float64")), (std::vector<double>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<float>(array("float32")), (std::vector<float>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint16_t>(array("float16")),
            (std::vector<uint16_t>{0xC000, 0xBC00, 0, 0x3C00, 0x4000, 0x4200}));
  EXPECT_EQ(numbers_of<uint16_t>(array("bfloat16")),
            (std::vector<uint16_t>{0xC000, 0xBF80, 0, 0x3F80, 0x4000, 0x4040}));
  EXPECT_EQ(numbers_of<int64_t>(array("int64")), (std::vector<int64_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int32_t>(array("int32")), (std::vector<int32_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int16_t>(array("int16")), (std::vector<int16_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int8_t>(array("int8")), (std::vector<int8_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint8_t>(array("uint8")), (std::vector<uint8_t>{2, 1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint8_t>(array("bool")), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(array("float64").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array("scalar").shape, std::vector<int64_t>{});
  EXPECT_EQ(array("none").shape, (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(file.find("nothing"), nullptr);
  const SafetensorsFile::Metadata& metadata = file.metadata();
  EXPECT_NE(std::find(metadata.begin(), metadata.end(),
                      std::pair<std::string, std::string>("made by", "h\u00e9llo")),
            metadata.end());
}

TEST(Safetensors, WritesWhatItReads) {
  const TemporaryFolder folder;
  const SafetensorsFile file("tests/golden/formats_torch.safetensors");
  write_safetensors(folder / "a.safetensors", file.tensors(), file.metadata());
  const SafetensorsFile again(folder / "a.safetensors");
  ASSERT_EQ(again.tensors().size(), file.tensors().size());
  for (const auto& [name, array] : file.tensors()) {
    const ArrayView* found = again.find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->type, array.type);
    EXPECT_EQ(found->shape, array.shape);
    EXPECT_TRUE(std::ranges::equal(found->bytes, array.bytes)) << name;
  }
  EXPECT_EQ(again.metadata(), file.metadata());
}

TEST(Safetensors, AlignsWhatItWrites) {
  const TemporaryFolder folder;
  const Tensors tensors = {{"odd", array_of<uint8_t>(ElementType::kUInt8, {3}, {1, 2, 3})},
                           {"wide", array_of<double>(ElementType::kFloat64, {2}, {1, 2})},
                           {"\"quoted\"", array_of<float>(ElementType::kFloat32, {1}, {5})}};
  write_safetensors(folder / "a.safetensors", tensors);
  const std::string bytes = read_file(folder / "a.safetensors");
  const SafetensorsFile file(bytes_of(bytes), nullptr, "a");
  EXPECT_EQ(file.tensors()[0].first, "wide");
  EXPECT_EQ((as_text(file.find("wide")->bytes).data() - bytes.data()) % 8, 0);
  EXPECT_EQ(numbers_of<float>(*file.find("\"quoted\"")), std::vector<float>{5});
  EXPECT_EQ(file.metadata(), (SafetensorsFile::Metadata{{"format", "pt"}}));
}

TEST(Safetensors, RefusesEveryCut) {
  const std::string good = read_file("tests/golden/formats_torch.safetensors");
  for (size_t size = 0; size < good.size(); ++size) {
    const std::string message = error_of_file(good.substr(0, size));
    ASSERT_TRUE(message.starts_with("/data/m.safetensors: ")) << size << ": " << message;
  }
  expect_words(error_of_file(good + "x"), {"follow the header"});
}

TEST(Safetensors, RefusesAHeaderThatDoesNotHold) {
  expect_words(error_of_file(""), {"0 bytes"});
  expect_words(error_of_file("version https://git-lfs.github.com/spec/v1\n"), {"Git LFS"});
  std::string beyond;
  append_number<uint64_t>(beyond, uint64_t{1} << 60);
  expect_words(error_of_file(beyond + "{}"), {"1152921504606846976 bytes", "10 in all"});
  append_number<uint64_t>(beyond = "", ~uint64_t{0});
  expect_words(error_of_file(beyond + "{}"), {"10 in all"});
  for (const char* header :
       {"!", "[]", "", " {}", "null", "{", "{}}", "{\"a\":}", "{}x", "{\"\xff\":1}"}) {
    const std::string message = error_of_file(file_of(header, ""));
    EXPECT_NE(message.find("the header is no"), std::string::npos) << header << ": " << message;
  }
  expect_words(error_of_file(file_of(std::string(1'000'000, '['), "")), {"no JSON object"});
  expect_words(error_of_file(file_of("{\"a\":" + std::string(1'000'000, '['), "")),
               {"'a' is a list"});
}

TEST(Safetensors, RefusesEntriesOfAnotherForm) {
  expect_words(error_of_entries(R"("a":1)", 0), {"'a' is 1"});
  expect_words(error_of_entries(R"("a":null)", 0), {"'a' is null"});
  expect_words(error_of_entries(R"("a":{})", 0), {"tensor a", "lacks"});
  expect_words(error_of_entries(R"("a":{"dtype":"F32","shape":[]})", 0), {"tensor a", "lacks"});
  expect_words(error_of_entries(R"("a":{"dtype":1,"shape":[],"data_offsets":[0,4]})", 4),
               {"tensor a", "'dtype' is 1"});
  expect_words(error_of_entries(R"("a":{"dtype":"F32","shape":"x","data_offsets":[0,4]})", 4),
               {"tensor a", "'shape' is 'x'"});
  expect_words(error_of_entries(R"("a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})", 4),
               {"tensor a", "1.5"});
  expect_words(error_of_entries(R"("a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})", 4),
               {"tensor a", "'shape' is a list"});
  expect_words(
      error_of_entries(R"("a":{"dtype":"F32","shape":[],"offset":3,"data_offsets":[0,4]})", 4),
      {"tensor a", "'offset'"});
  expect_words(
      error_of_entries(R"("a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]})", 4),
      {"'dtype' twice"});
  expect_words(error_of_entries(R"("__metadata__":{"a":1})", 0), {"'a' is 1"});
  expect_words(
      error_of_entries(entry("a", "F32", "1", "0,4") + "," + entry("a", "F32", "1", "4,8"), 8),
      {"'a' twice"});
}

TEST(Safetensors, RefusesTensorsThatDoNotFit) {
  const auto first = entry("a", "F32", "2", "0,8") + ",";
  EXPECT_EQ(error_of_entries(entry("a", "F32", "2", "0,8"), 8), "(no error)");
  expect_words(error_of_entries(entry("a", "F32", "2", "0,8"), 7), {"tensor a", "byte 8", "has 7"});
  expect_words(error_of_entries(entry("a", "F32", "2", "0,8"), 9), {"take 8 bytes, but 9"});
  expect_words(error_of_entries(entry("a", "F32", "3", "0,8"), 8),
               {"tensor a", "shape (3)", "float32", "8 bytes"});
  expect_words(error_of_entries(entry("a", "F64", "1", "0,9"), 9), {"tensor a", "9 bytes"});
  expect_words(error_of_entries(entry("a", "F32", "-2", "0,8"), 8), {"tensor a", "-2", "negative"});
  expect_words(error_of_entries(entry("a", "F32", "2", "-8,0"), 8), {"tensor a", "-8"});
  expect_words(error_of_entries(entry("a", "F32", "2", "8,0"), 8), {"tensor a", "(8, 0)"});
  expect_words(error_of_entries(entry("a", "F32", "2", "0"), 8),
               {"tensor a", "a begin and an end"});
  expect_words(error_of_entries(entry("a", "F32", "2", "0,18446744073709551615"), 8),
               {"tensor a", "beyond any file"});
  expect_words(error_of_entries(entry("a", "F32", "99999999999999999999", "0,8"), 8),
               {"tensor a", "99999999999999999999"});
  expect_words(error_of_entries(entry("a", "F32", "4294967296,4294967296", "0,0"), 0),
               {"tensor a", "does not take"});
  expect_words(error_of_entries(entry("a", "F8_E4M3", "8", "0,8"), 8), {"tensor a", "F8_E4M3"});
  expect_words(error_of_entries(first + entry("b", "F32", "1", "4,8"), 8),
               {"tensor b", "overlaps tensor a"});
  expect_words(error_of_entries(first + entry("b", "F32", "2", "0,8"), 8), {"overlaps tensor"});
  expect_words(error_of_entries(first + entry("b", "F32", "1", "12,16"), 16), {"tensor b", "gap"});
  expect_words(
      error_of_entries(entry("a", "U8", "1", "0,1") + "," + entry("b", "F32", "1", "1,5"), 5),
      {"tensor b", "misaligned"});
}

TEST(Safetensors, NeverReadsBeyondAnyDamagedFile) {
  // Under the address sanitizer this also shows that nothing outside is touched.
  const std::string good = read_file("tests/golden/formats_torch.safetensors");
  RandomStream random(3);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = good;
    damaged[random.below(900)] = static_cast<char>(random.next());
    refused += error_of_file(damaged) != "(no error)";
  }
  EXPECT_GT(refused, 1500);
}

}  // namespace
}  // namespace precis
