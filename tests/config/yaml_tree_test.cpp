#include "lib/config/yaml_tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace precis {
namespace {

using Kind = YamlNode::Kind;

TEST(ParseYaml, KeepsLinesNullsAndRepeatedKeys) {
  const YamlNode root = parse_yaml("a: 1\nb:\n  - x\n  - ~\na: \"~\"\n");
  ASSERT_EQ(root.kind, Kind::kMap);
  ASSERT_EQ(root.items.size(), 6u);
  EXPECT_EQ(root.items[0].text, "a");
  EXPECT_EQ(root.items[0].line, 1);
  EXPECT_EQ(root.items[2].line, 2);
  EXPECT_EQ(root.items[3].kind, Kind::kList);
  ASSERT_EQ(root.items[3].items.size(), 2u);
  EXPECT_EQ(root.items[3].items[0].text, "x");
  EXPECT_EQ(root.items[3].items[1].kind, Kind::kNull);
  EXPECT_EQ(root.items[4].text, "a");
  EXPECT_EQ(root.items[4].line, 5);
  EXPECT_EQ(root.items[5].kind, Kind::kScalar);  // quoted: a text, no null
}

TEST(ParseYaml, CopiesWhatAliasesStandFor) {
  const YamlNode root = parse_yaml("a: &x [1, 2]\nb: *x\n");
  ASSERT_EQ(root.items.size(), 4u);
  ASSERT_EQ(root.items[3].kind, Kind::kList);
  ASSERT_EQ(root.items[3].items.size(), 2u);
  EXPECT_EQ(root.items[3].items[1].text, "2");
}

TEST(ParseYaml, KeepsBlockTextsExactly) {
  EXPECT_EQ(parse_yaml("a: |\n  one\n  two\n").items[1].text, "one\ntwo\n");
  EXPECT_EQ(parse_yaml("a: |-\n  one\n  two\n").items[1].text, "one\ntwo");
  EXPECT_EQ(parse_yaml("a: |+\n  one\n\n").items[1].text, "one\n\n");
  EXPECT_EQ(parse_yaml("a: >\n  one\n  two\n").items[1].text, "one two\n");
}

struct FaultCase {
  std::string yaml;
  int line;
  const char* words;
};

TEST(ParseYaml, SaysWhatIsWrongInPlainWords) {
  std::string deep(3000, '[');
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i)
    bomb += fmt::format(
        "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
        i - 1);
  const FaultCase cases[] = {
      {"a: [1\n", 2, "opened with ["},
      {"a: {b: 1\n", 2, "opened with {"},
      {"a:\n\tb: 1\n", 2, "not indented with blanks"},
      {"a: b: c\n", 1, "a colon where no value can follow"},
      {"a:\n  b: 1\n c: 2\n", 3, "indentation"},
      {"a:\n  - b\n c\n", 3, "indentation"},
      {"a: \"x", 1, "closing quote"},
      {"a: 1\nb: \"x\n\nc: 1\n", 2, "closing quote"},
      {"a: 1\nb: 'x\nc: 1\n", 2, "closing quote"},
      {"a: @x\n", 1, "cannot begin with this character"},
      {"a: \"C:\\é\"\n", 1, "unknown escape"},
      {"a: \"\\ud800\"\n", 1, "names no character"},
      {"a: \"\\xzz\"\n", 1, "not hexadecimal"},
      {"a: *x\n", 1, "an alias (*name)"},
      {"a: &x [1, *x]\n", 1, "part of"},
      {"a: 1\n---\nb: 2\n", 3, "a second document"},
      {"a: 1\n...\nb: 2\n", 3, "a second document"},
      {"- a\nb: c\n", 2, "a second document"},
      {"a: \xC3(\n", 1, "not UTF-8"},
      {std::string("\xFF\xFE"
                   "a\0",
                   4),
       1, "not UTF-8"},
      {"a: 1\nb: \x04\n", 2, "not a text file"},
      {deep, 1, "too deep"},
      {bomb, 5, "more than 100000 values"},
  };
  for (const FaultCase& each : cases) {
    try {
      parse_yaml(each.yaml);
      ADD_FAILURE() << "accepted: " << each.yaml.substr(0, 100);
    } catch (const YamlError& error) {
      EXPECT_EQ(error.line, each.line) << each.yaml.substr(0, 100) << "\n" << error.what();
      EXPECT_NE(std::string(error.what()).find(each.words), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace precis
