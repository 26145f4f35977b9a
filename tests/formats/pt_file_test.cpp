// .pt files: one of torch.save's read, written ones read back, and what is no checkpoint.
#include "lib/formats/pt_file.h"

#include <algorithm>
#include <cmath>

#include "lib/base/random.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::array_of;
using testing::error_of;
using testing::error_of_pt;
using testing::expect_words;
using testing::numbers_of;
using testing::TemporaryFolder;
using testing::zip_of;

const Value& at(const Value& value, std::string_view key) {
  const Value* found = value.find(key);
  EXPECT_NE(found, nullptr) << key;
  static const Value none;
  return found == nullptr ? none : *found;
}

const ArrayView& array_at(const Value& value, std::string_view key) {
  const auto* array = at(value, key).get_if<ArrayView>();
  EXPECT_NE(array, nullptr) << key;
  static const ArrayView none;
  return array == nullptr ? none : *array;
}

void expect_equal(const Value& a, const Value& b);

void expect_equal_items(const std::vector<Value>& a, const std::vector<Value>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) expect_equal(a[i], b[i]);
}

void expect_equal(const Value& a, const Value& b) {
  ASSERT_STREQ(a.kind_name(), b.kind_name());
  if (const auto* dict = a.get_if<Value::Dict>()) {
    const auto* other = b.get_if<Value::Dict>();
    EXPECT_EQ(dict->ordered, other->ordered);
    ASSERT_EQ(dict->items.size(), other->items.size());
    for (size_t i = 0; i < dict->items.size(); ++i) {
      EXPECT_EQ(dict->items[i].key, other->items[i].key);
      expect_equal(dict->items[i].value, other->items[i].value);
    }
  } else if (const auto* list = a.get_if<Value::List>()) {
    expect_equal_items(list->items, b.get_if<Value::List>()->items);
  } else if (const auto* tuple = a.get_if<Value::Tuple>()) {
    expect_equal_items(tuple->items, b.get_if<Value::Tuple>()->items);
  } else if (const auto* array = a.get_if<ArrayView>()) {
    const auto* other = b.get_if<ArrayView>();
    EXPECT_EQ(array->type, other->type);
    EXPECT_EQ(array->shape, other->shape);
    EXPECT_TRUE(std::ranges::equal(array->bytes, other->bytes));
  } else if (const auto* text = a.get_if<std::string>()) {
    EXPECT_EQ(*text, *b.get_if<std::string>());
  } else if (const auto* real = a.get_if<double>()) {
    EXPECT_EQ(std::memcmp(real, b.get_if<double>(), sizeof *real), 0) << *real;
  } else if (const auto* whole = a.get_if<int64_t>()) {
    EXPECT_EQ(*whole, *b.get_if<int64_t>());
  } else if (const auto* flag = a.get_if<bool>()) {
    EXPECT_EQ(*flag, *b.get_if<bool>());
  }
}

TEST(PtFile, ReadsWhatTrainingScriptsKeepBesideTensors) {
  const Value root = read_pt("tests/golden/formats_training.pt");
  EXPECT_EQ(at(root, "best_val_loss").number(), 2.5);
  EXPECT_EQ(at(root, "float32").number(), -0.375);
  EXPECT_EQ(at(root, "float16").number(), 1.5);
  EXPECT_EQ(at(root, "iter_num").integer(), -300);
  EXPECT_EQ(at(root, "int32").integer(), 7);
  EXPECT_EQ(at(root, "int16").integer(), -2);
  EXPECT_EQ(at(root, "int8").integer(), -1);
  EXPECT_EQ(at(root, "uint8").integer(), 255);
  EXPECT_EQ(at(root, "uint32").integer(), (int64_t{1} << 32) - 1);
  EXPECT_EQ(at(root, "uint64").number(), 0x1p64);
  EXPECT_TRUE(*at(root, "bool").get_if<bool>());
  EXPECT_EQ(
      at(root, "random").get_if<Value::Tuple>()->items[1].get_if<Value::Tuple>()->items.size(),
      625U);
  EXPECT_EQ(at(root, "numpy_random").get_if<Value::Tuple>()->items.size(), 5U);
  EXPECT_EQ(array_at(root, "torch_random").type, ElementType::kUInt8);
  EXPECT_EQ(at(root, "counts").find("a")->integer(), 1);
  EXPECT_EQ(at(root, "names").get_if<Value::List>()->items.size(), 1U);
  EXPECT_EQ(at(root, "path").get_if<Value::Tuple>()->items.size(), 2U);
  EXPECT_EQ(*at(root, "bytes").get_if<std::string>(), std::string("\0\xff", 2));
  EXPECT_EQ(*at(root, "no_bytes").get_if<std::string>(), "");
  EXPECT_EQ(*at(root, "dtype").get_if<std::string>(), "uint16");
  EXPECT_EQ(*at(root, "device").get_if<std::string>(), "cuda");
  EXPECT_EQ(at(root, "size").get_if<Value::Tuple>()->items.size(), 2U);
}

TEST(PtFile, ReadsEveryElementTypeOfTorch) {
  const Value root = read_pt("tests/golden/formats_torch.pt");
  const Value& types = at(root, "types");
  EXPECT_EQ(numbers_of<double>(array_at(types, "float64")),
            (std::vector<double>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<float>(array_at(types, "float32")),
            (std::vector<float>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint16_t>(array_at(types, "float16")),
            (std::vector<uint16_t>{0xC000, 0xBC00, 0, 0x3C00, 0x4000, 0x4200}));
  EXPECT_EQ(numbers_of<uint16_t>(array_at(types, "bfloat16")),
            (std::vector<uint16_t>{0xC000, 0xBF80, 0, 0x3F80, 0x4000, 0x4040}));
  EXPECT_EQ(numbers_of<int64_t>(array_at(types, "int64")),
            (std::vector<int64_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int32_t>(array_at(types, "int32")),
            (std::vector<int32_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int16_t>(array_at(types, "int16")),
            (std::vector<int16_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<int8_t>(array_at(types, "int8")), (std::vector<int8_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint8_t>(array_at(types, "uint8")),
            (std::vector<uint8_t>{2, 1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers_of<uint8_t>(array_at(types, "bool")), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(array_at(types, "float16").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array_at(types, "bool").type, ElementType::kBool);
}

TEST(PtFile, ReadsViewsOfOneStorage) {
  const Value root = read_pt("tests/golden/formats_torch.pt");
  const Value& model = at(root, "model");
  EXPECT_TRUE(model.get_if<Value::Dict>()->ordered);
  EXPECT_EQ(array_at(model, "wte.weight").bytes.data(),
            array_at(model, "lm_head.weight").bytes.data());
  EXPECT_EQ(numbers_of<float>(array_at(model, "rows")), (std::vector<float>{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(numbers_of<float>(array_at(model, "transposed")),
            (std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}));
  EXPECT_EQ(array_at(model, "transposed").shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(numbers_of<float>(array_at(model, "every_other")), (std::vector<float>{1, 7}));
  EXPECT_EQ(numbers_of<float>(array_at(model, "one")), (std::vector<float>{7}));
  EXPECT_EQ(array_at(model, "none").shape, (std::vector<int64_t>{0, 5}));
  EXPECT_EQ(numbers_of<float>(array_at(root, "parameter")), (std::vector<float>{1, 1}));
}

TEST(PtFile, ReadsPlainValues) {
  const Value root = read_pt("tests/golden/formats_torch.pt");
  const Value& scalars = at(root, "scalars");
  for (const auto& [key, expected] :
       std::map<std::string, int64_t>{{"int", 7},
                                      {"negative", -300},
                                      {"short", 65535},
                                      {"long", int64_t{1} << 40},
                                      {"lowest", std::numeric_limits<int64_t>::min()},
                                      {"whole", 3}}) {
    EXPECT_EQ(at(scalars, key).integer(), expected) << key;
  }
  for (const auto& [key, expected] : std::map<std::string, double>{{"float", 0.1},
                                                                   {"inf", -HUGE_VAL},
                                                                   {"tensor", 1.25},
                                                                   {"half", -0.375},
                                                                   {"brain", -384},
                                                                   {"true", 1}}) {
    EXPECT_EQ(at(scalars, key).number(), expected) << key;
  }
  EXPECT_TRUE(std::isnan(*at(scalars, "nan").number()));
  EXPECT_TRUE(at(scalars, "none").is_none());
  EXPECT_FALSE(*at(scalars, "false").get_if<bool>());
  EXPECT_EQ(*at(scalars, "text").get_if<std::string>(), "h\u00e9llo \U0001F600\n");
  EXPECT_EQ(
      at(root, "tuples").get_if<Value::List>()->items[4].get_if<Value::Tuple>()->items[3].integer(),
      4);
  EXPECT_EQ(
      at(root, "list").get_if<Value::List>()->items[1].get_if<Value::List>()->items[0].number(),
      2.5);
  EXPECT_EQ(*at(root, "type").get_if<std::string>(), "bfloat16");
  EXPECT_EQ(*at(root, "device").get_if<std::string>(), "cpu");
  ASSERT_NE(root.find(5), nullptr);
  EXPECT_EQ(*root.find(5)->find(-1)->get_if<std::string>(), "integer keys");
  const Value& group = at(at(root, "optimizer"), "param_groups").get_if<Value::List>()->items[0];
  EXPECT_EQ(at(group, "betas").get_if<Value::Tuple>()->items[1].number(), 0.95);
  EXPECT_EQ(array_at(*at(at(root, "optimizer"), "state").find(1), "exp_avg").shape,
            (std::vector<int64_t>{2}));
}

TEST(PtFile, WritesWhatItReads) {
  const TemporaryFolder folder;
  const Value root = read_pt("tests/golden/formats_torch.pt");
  write_pt(folder / "a.pt", root);
  const Value again = read_pt(folder / "a.pt");
  expect_equal(root, again);
  const Value& model = at(again, "model");
  EXPECT_EQ(array_at(model, "wte.weight").bytes.data(),
            array_at(model, "lm_head.weight").bytes.data())
      << "tied weights are stored once";
  write_pt(folder / "b.pt", again);
  EXPECT_EQ(read_file(folder / "a.pt"), read_file(folder / "b.pt"))
      << "the same content is the same file";
}

/// A value made of chance, as deep as is left.
Value random_value(RandomStream& random, int depth) {
  const uint64_t kind = random.below(depth > 0 ? 9 : 6);
  const uint64_t size = random.below(4);
  switch (kind) {
    case 0:
      return {};
    case 1:
      return random.below(2) == 1;
    case 2:
      return static_cast<int64_t>(random.next() >> random.below(64)) *
             (random.below(2) == 0 ? 1 : -1);
    case 3:
      return random.normal() * std::pow(10.0, static_cast<double>(random.below(600)) - 300);
    case 4:
      return std::string(random.below(300), static_cast<char>('a' + random.below(26)));
    case 5: {
      const auto type = static_cast<ElementType>(random.below(10));
      const std::vector<int64_t> shape{static_cast<int64_t>(random.below(5)),
                                       static_cast<int64_t>(random.below(5))};
      std::vector<std::byte> bytes(static_cast<size_t>(shape[0] * shape[1]) * element_size(type));
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
      return array_of<std::byte>(type, shape, bytes);
    }
    case 6: {
      Value::List list;
      for (uint64_t i = 0; i < size; ++i) list.items.push_back(random_value(random, depth - 1));
      return list;
    }
    case 7: {
      Value::Tuple tuple;
      for (uint64_t i = 0; i < size + 1; ++i)
        tuple.items.push_back(random_value(random, depth - 1));
      return tuple;
    }
    default: {
      Value dict = random.below(2) == 0 ? Value::dict() : Value::ordered_dict();
      for (uint64_t i = 0; i < size; ++i) {
        Value::Key key = static_cast<int64_t>(random.below(1000)) - 500;
        if (random.below(2) == 0) key = "key " + std::to_string(random.below(1000));
        dict.set(key, random_value(random, depth - 1));
      }
      return dict;
    }
  }
}

TEST(PtFile, RoundTripsAnyValue) {
  const TemporaryFolder folder;
  RandomStream random(17);
  for (int i = 0; i < 100; ++i) {
    const Value value = random_value(random, 5);
    write_pt(folder / "x.pt", value);
    expect_equal(value, read_pt(folder / "x.pt"));
    ASSERT_FALSE(HasFailure()) << "value " << i;
  }
}

TEST(PtFile, EscapesTextsThatAreNoUtf8AsPythonDoes) {
  const TemporaryFolder folder;
  write_pt(folder / "x.pt", Value("a\xff\xC3\xA9"));
  EXPECT_EQ(*read_pt(folder / "x.pt").get_if<std::string>(), "a\xED\xB3\xBF\xC3\xA9");  // U+DCFF
}

TEST(PtFile, FindsEveryFlippedBitOfATensor) {
  const std::string good = read_file("tests/golden/formats_torch.pt");
  const Value root = testing::read_bytes(good);
  const auto bytes = array_at(at(root, "model"), "wte.weight").bytes;
  const size_t begin = static_cast<size_t>(as_text(bytes).data() - good.data());
  for (size_t i = begin; i < begin + bytes.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    expect_words(error_of_pt(damaged), {"/data/x.pt: entry formats_torch/data/", "checksum"});
  }
}

TEST(PtFile, RefusesEveryCut) {
  const std::string good = read_file("tests/golden/formats_torch.pt");
  for (size_t size = 0; size < good.size(); size += 11) {
    const std::string message = error_of_pt(good.substr(0, size));
    ASSERT_TRUE(message.starts_with("/data/x.pt: ")) << size << ": " << message;
  }
}

TEST(PtFile, SaysWhatIsNoCheckpoint) {
  const TemporaryFolder folder;
  expect_words(error_of([&] { read_pt(folder / "none.pt"); }),
               {(folder / "none.pt").string(), "cannot be read"});
  expect_words(error_of([&] { read_pt(folder.path()); }), {folder.path().string(), "folder"});
  write_file(folder / "empty.pt", "");
  expect_words(error_of([&] { read_pt(folder / "empty.pt"); }),
               {(folder / "empty.pt").string(), "empty"});
  expect_words(error_of_pt("hello"), {"/data/x.pt", "no checkpoint"});
  expect_words(error_of_pt("\x80\x04\x95"), {"bare pickle", "refused"});
  expect_words(error_of_pt("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
               {"before 1.6", "torch.save"});
  expect_words(error_of_pt("version https://git-lfs.github.com/spec/v1\n"),
               {"Git LFS", "git lfs pull"});
  expect_words(error_of_pt(zip_of({{"a/b", "1"}})), {"0 entries named */data.pkl"});
  expect_words(error_of_pt(zip_of({{"a/data.pkl", "."}, {"b/data.pkl", "."}})),
               {"2 entries named"});
  expect_words(error_of_pt(zip_of({{"a/data.pkl", "."}, {"a/constants.pkl", "."}})),
               {"TorchScript"});
  expect_words(error_of_pt(zip_of({{"a/data.pkl", "N."}, {"a/byteorder", "big"}})),
               {"entry a/byteorder", "little-endian"});
}

TEST(PtFile, LeavesWhatWasThereWhenItCannotWrite) {
  const TemporaryFolder folder;
  expect_words(error_of([&] { write_pt(folder / "no/x.pt", Value(1)); }),
               {(folder / "no/x.pt").string()});
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace precis
