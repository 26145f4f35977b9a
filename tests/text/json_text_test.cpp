#include "lib/text/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/base/random.h"
#include "tests/text/golden.h"

namespace precis {
namespace {

std::string read(const std::string& json) {
  JsonReader reader(json, "input", 5);
  std::string text;
  reader.read_string(text);
  reader.expect_end();
  return text;
}

std::string error_of(const std::string& json) {
  return data_error_of([&] { read(json); });
}

TEST(JsonReader, UnescapesStrings) {
  EXPECT_EQ(read(R"( "a\"\\\/\b\f\n\r\t\u0041\u00e9\u65e5\ud83d\uDE00é日🙂" )"),
            "a\"\\/\b\f\n\r\tAé日😀é日🙂");
  EXPECT_EQ(read(R"("a\u0000b")"), std::string("a\0b", 3));
  EXPECT_EQ(read(R"("")"), "");
}

TEST(JsonReader, ErrorsNamePlaceAndWhatCame) {
  EXPECT_EQ(error_of("12"), "input, line 5, column 1: expected a string, got '12'");
  EXPECT_EQ(error_of(""), "input, line 5, column 1: expected a string, got the end of the text");
  EXPECT_EQ(error_of("\n \"a\" x"), "input, line 6, column 6: expected nothing more, got 'x'");
  EXPECT_EQ(error_of(R"("abc)"),
            "input, line 5, column 1: expected a string, got one without a closing quote");
  EXPECT_EQ(error_of("\"a\tb\""),
            "input, line 5, column 3: control character 0x09 in a string must be escaped");
  EXPECT_EQ(error_of("\"a\xff\""), "input, line 5, column 3: byte 0xFF is not UTF-8");
  EXPECT_EQ(error_of(R"("\x41")"),
            R"(input, line 5, column 2: expected an escape as \n or \u00e9, got '\\x41\"')");
  EXPECT_EQ(error_of(R"("\u00g0")"),
            R"(input, line 5, column 2: expected \u and four hexadecimal digits, got '\\u00g0\"')");
}

/// What ends a run lies at every place of the 16 bytes that are looked at together.
TEST(JsonReader, ReadsAndRefusesAtEveryPlace) {
  for (size_t before = 0; before < 40; ++before)
    for (const size_t after : {0, 1, 15, 16, 30}) {
      const std::string x(before, 'x'), y(after, 'y');
      const std::string column = std::to_string(before + 2) + ": ";
      EXPECT_EQ(read('"' + x + "\\n" + y + '"'), x + "\n" + y);
      EXPECT_EQ(read('"' + x + "é" + y + '"'), x + "é" + y);
      for (const std::string bad : {"\x1F", "\xFF", "\xC3", "\xE2\x82"})
        EXPECT_NE(error_of('"' + x + bad + y + '"').find("column " + column), std::string::npos);
      EXPECT_NE(error_of('"' + x + "\xC3").find("column " + column + "byte 0xC3"),
                std::string::npos);
    }
}

TEST(JsonReader, HalvesOfSurrogatePairsAreReplaced) {  // as tiktoken's encode_ordinary does
  const std::string mark = "\uFFFD";
  EXPECT_EQ(read(R"("\ud83d")"), mark);
  EXPECT_EQ(read(R"("\ude00")"), mark);
  EXPECT_EQ(read(R"("a\ud83dx")"), "a" + mark + "x");
  EXPECT_EQ(read(R"("\ud83d\n")"), mark + "\n");
  EXPECT_EQ(read(R"("\ud83d\u0041")"), mark + "A");
  EXPECT_EQ(read(R"("\ud83d\ud83d")"), mark + mark);
  EXPECT_EQ(read(R"("\ud83d\ud83d\ude00")"), mark + "😀");
  EXPECT_EQ(read(R"("\ude00\ud83d")"), mark + mark);
  EXPECT_EQ(read(R"("\\ud83d")"), "\\ud83d");
  EXPECT_EQ(error_of(R"("\ud83d\u00)"),
            R"(input, line 5, column 8: expected \u and four hexadecimal digits, got '\\u00')");
  EXPECT_NE(error_of("\"\\"), "");
  EXPECT_NE(error_of("\"\\u12"), "");
}

TEST(JsonReader, PassesOverValues) {
  const std::string json = R"( {"a": {"x": [1, "]}\"", {}]}, "b\n":
    "\ud83d", "c": -1.5e3, "d": null , "e": [] })";
  const std::vector<JsonMember> members = json_members(json, "input", 5);
  ASSERT_EQ(members.size(), 5U);
  EXPECT_EQ(members[0].text, R"({"x": [1, "]}\"", {}]})");
  EXPECT_EQ(members[0].line, 5);
  EXPECT_EQ(members[1].key, "b\n");
  EXPECT_EQ(members[1].text, R"("\ud83d")");
  EXPECT_EQ(members[1].line, 6);
  EXPECT_EQ(members[2].text, "-1.5e3");
  EXPECT_EQ(members[3].text, "null");
  EXPECT_EQ(members[4].text, "[]");
  EXPECT_TRUE(json_members("{}", "input").empty());
  for (const std::string bad : {"", "[]", "{", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({"a":[})",
                                R"({"a":"x)", R"({"a":1} 2)", R"({"a":]})"})
    EXPECT_NE(data_error_of([&] { json_members(bad, "input"); }).find("input, line 1"),
              std::string::npos)
        << bad;
}

TEST(JsonReader, ReadsIntegers) {
  const auto integer = [](const std::string& json) {
    return JsonReader(json, "input").read_integer();
  };
  EXPECT_EQ(integer(" -12,"), -12);
  EXPECT_EQ(integer("2147483647"), 2147483647);
  for (const std::string bad : {"2147483648", "1.5", "1e3", "x", "", "+1"})
    EXPECT_NE(data_error_of([&] { integer(bad); }).find("expected an integer"), std::string::npos)
        << bad;
}

TEST(AppendJsonString, IsReadBackByAnotherParser) {
  RandomStream random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t n = random.below(40); n > 0; --n)
      text.push_back(static_cast<char>(random.below(128)));
    text += "é日🙂";
    std::string json;
    append_json_string(json, text);
    ASSERT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
    ASSERT_EQ(read(json), text);
  }
}

TEST(AppendJsonString, ReplacesInvalidBytesAsPythonDoes) {
  int replaced = 0;
  for (const nlohmann::json& line : golden_lines("text_replaced.jsonl")) {
    const std::string hex = line[0];
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2)
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    std::string json;
    append_json_string(json, bytes);
    const std::string expected = line[1];
    ASSERT_EQ(nlohmann::json::parse(json).get<std::string>(), expected) << hex;
    replaced += expected != bytes;
  }
  EXPECT_GT(replaced, 100);
}

}  // namespace
}  // namespace precis
