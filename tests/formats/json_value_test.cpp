// JSON as a Value and back.
#include "lib/formats/json_value.h"

#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of;
using testing::expect_words;

TEST(JsonValue, ReadsWhatItWrites) {
  Value value = Value::dict();
  value.set("z", int64_t{1} << 60);
  value.set("a", 1e-5);
  value.set("text", "h\u00e9\"\n");
  value.set("list", Value::List{{Value(), true, Value::dict(), Value(Value::List{})}});
  const std::string text = to_json(value);
  EXPECT_LT(text.find("\"z\""), text.find("\"a\"")) << "keys keep their order";
  const Value again = parse_json(text, "x");
  EXPECT_EQ(again.find("z")->integer(), int64_t{1} << 60);
  EXPECT_EQ(again.find("a")->number(), 1e-5);
  EXPECT_EQ(*again.find("text")->get_if<std::string>(), "h\u00e9\"\n");
  const auto& items = again.find("list")->get_if<Value::List>()->items;
  ASSERT_EQ(items.size(), 4U);
  EXPECT_TRUE(items[0].is_none());
  EXPECT_TRUE(*items[1].get_if<bool>());
  EXPECT_STREQ(items[2].kind_name(), "a dict");
  EXPECT_STREQ(items[3].kind_name(), "a list");
  EXPECT_EQ(again.find("none"), nullptr);
  EXPECT_EQ(parse_json("18446744073709551615", "x").number(), 18446744073709551615.0);
}

TEST(JsonValue, HalvesOfSurrogatePairsAreReplaced) {  // Python writes and reads them
  const auto read = [](const std::string& json) {
    return *parse_json(json, "x").get_if<std::string>();
  };
  EXPECT_EQ(read(R"("a\ud83d b\udc00")"), "a\uFFFD b\uFFFD");
  EXPECT_EQ(read(R"("\ud83d\ud83d\ude00")"), "\uFFFD\U0001F600");
  EXPECT_EQ(read(R"("\\ud83d\uD83D\uDE00")"), "\\ud83d\U0001F600");
  EXPECT_EQ(*parse_json(R"({"\ud83d": 1})", "x").find("\uFFFD")->get_if<int64_t>(), 1);
  expect_words(error_of([] { parse_json(R"("\ud83d\u12")", "x"); }), {"JSON"});
  expect_words(error_of([] { parse_json("\"\\", "x"); }), {"JSON"});
}

TEST(JsonValue, NamesFileAndByteOfWhatIsWrong) {
  expect_words(error_of([] { parse_json("{\"a\": 1,}", "/data/config.json"); }),
               {"/data/config.json", "JSON", "byte 9"});
  expect_words(error_of([] { parse_json("", "x"); }), {"JSON"});
  expect_words(error_of([] { parse_json("\"\xff\"", "x"); }), {"JSON"});
  expect_words(error_of([] { parse_json("1e999", "x"); }), {"JSON"});
  expect_words(error_of([] { parse_json(std::string(200, '[') + std::string(200, ']'), "x"); }),
               {"nested"});
}

}  // namespace
}  // namespace precis
