#include "lib/base/fields.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace precis {
namespace {

template <typename Value>
Field field(Value& value, Limits limits = {}) {
  return {.name = "key", .value = &value, .help = "", .limits = std::move(limits)};
}

TEST(AssignInteger, TakesIntegers) {
  int64_t x = 0;
  for (const auto& [text, value] :
       {std::pair<const char*, int64_t>{"5", 5},
        {"-3", -3},
        {"+7", 7},
        {"0", 0},
        {"9223372036854775807", std::numeric_limits<int64_t>::max()},
        {"-9223372036854775808", std::numeric_limits<int64_t>::min()}}) {
    EXPECT_EQ(assign(field(x), text), "");
    EXPECT_EQ(x, value) << text;
  }
}

TEST(AssignInteger, RefusesTheRestAndKeepsTheValue) {
  int64_t x = 42;
  for (const char* text : {"", "fast", "1.5", "5e2", "1_000", "0x10", " 5", "5 ", "--5", "+-5", "+",
                           "nan", "inf", "null", "true", "5,6"}) {
    EXPECT_EQ(assign(field(x), text), "expected an integer, got '" + std::string(text) + "'");
    EXPECT_EQ(x, 42);
  }
  EXPECT_EQ(assign(field(x, {.min = 0}), "fast"), "expected an integer of at least 0, got 'fast'");
  EXPECT_EQ(
      assign(field(x, {.min = 0}), "99999999999999999999"),
      "expected an integer of at least 0, got '99999999999999999999', which 64 bits do not hold");
}

TEST(AssignAutoCount, TakesAutoAndIntegersAndWritesThem) {
  AutoCount x;
  const Field tokens = field(x, {.min = 1, .max = 1e9});
  EXPECT_EQ(to_yaml(tokens), "auto");
  EXPECT_EQ(assign(tokens, "1000000000"), "");
  EXPECT_EQ(x.count, 1000000000);
  EXPECT_EQ(to_yaml(tokens), "1000000000");
  EXPECT_EQ(assign(tokens, "auto"), "");
  EXPECT_EQ(x, AutoCount{});
  EXPECT_EQ(accepted(tokens), "auto or integer from 1 to 1000000000");
  EXPECT_EQ(type_name(tokens), "auto or integer");
  EXPECT_FALSE(takes_null(tokens));
}

TEST(AssignAutoCount, RefusesTheRestAndKeepsTheValue) {
  AutoCount x{42};
  const Field tokens = field(x, {.min = 1, .max = 1e9});
  for (const char* text : {"", "Auto", "many", "null", "0", "-1", "1.5", "1000000001"}) {
    EXPECT_EQ(assign(tokens, text),
              "expected auto or an integer from 1 to 1000000000, got '" + std::string(text) + "'");
    EXPECT_EQ(x.count, 42);
  }
  EXPECT_NE(assign(tokens, "99999999999999999999").find("64 bits"), std::string::npos);
  EXPECT_EQ(assign_list(tokens, {"1"}),
            "expected auto or an integer from 1 to 1000000000, got a list");
}

TEST(AssignNumber, TakesNumbers) {
  double x = 0;
  for (const auto& [text, value] : {std::pair<const char*, double>{"6e-5", 6e-5},
                                    {"1", 1},
                                    {"-0.5", -0.5},
                                    {".5", 0.5},
                                    {"5.", 5},
                                    {"+1.0E3", 1000},
                                    {"0.1", 0.1},
                                    {"1e308", 1e308}}) {
    EXPECT_EQ(assign(field(x), text), "");
    EXPECT_EQ(x, value) << text;
  }
}

TEST(AssignNumber, RefusesWhatIsNotFinite) {
  double x = 42;
  for (const char* text : {"nan", "NaN", "-nan", "inf", "-inf", "infinity", ".nan", ".inf", "",
                           "fast", "1e", "1,5", "0x1p3", "1 ", "null"}) {
    EXPECT_EQ(assign(field(x), text), "expected a number, got '" + std::string(text) + "'");
    EXPECT_EQ(x, 42);
  }
  EXPECT_EQ(assign(field(x), "1e999"), "expected a number, got '1e999', which 64 bits do not hold");
}

struct LimitsCase {
  Limits limits;
  std::string good;
  std::string bad;
  std::string phrase;
};

TEST(Assign, HoldsLimits) {
  const LimitsCase cases[] = {
      {{.min = 0}, "0", "-0.001", "a number of at least 0"},
      {{.max = 1}, "1", "1.001", "a number of at most 1"},
      {{.above = 0}, "0.001", "0", "a number above 0"},
      {{.below = 1}, "0.999", "1", "a number below 1"},
      {{.min = 0, .max = 1}, "1", "1.5", "a number from 0 to 1"},
      {{.min = 0, .below = 1}, "0", "1", "a number of at least 0 and below 1"},
      {{.max = 1, .above = 1e-8}, "1", "0", "a number above 1e-08 and of at most 1"},
      {{.max = 1e6}, "1e6", "2e6", "a number of at most 1000000"},
  };
  for (const LimitsCase& each : cases) {
    double x = 42;
    EXPECT_EQ(assign(field(x, each.limits), each.bad),
              "expected " + each.phrase + ", got '" + each.bad + "'");
    EXPECT_EQ(x, 42);
    EXPECT_EQ(assign(field(x, each.limits), each.good), "");
    EXPECT_EQ(x, std::stod(each.good));
  }
}

TEST(Assign, HoldsLimitsOfIntegersAndOptionals) {
  int64_t n = 42;
  EXPECT_EQ(assign(field(n, {.min = 1, .max = 8}), "9"),
            "expected an integer from 1 to 8, got '9'");
  std::optional<double> x = 0.5;
  EXPECT_EQ(assign(field(x, {.min = 0}), "-1"),
            "expected a number of at least 0 or null, got '-1'");
  EXPECT_EQ(x, 0.5);
}

TEST(AssignBool, TakesTrueAndFalse) {
  bool x = false;
  EXPECT_EQ(assign(field(x), "true"), "");
  EXPECT_TRUE(x);
  EXPECT_EQ(assign(field(x), "False"), "");
  EXPECT_FALSE(x);
  for (const char* text : {"yes", "1", "", "on", "tRue"})
    EXPECT_EQ(assign(field(x), text), "expected true or false, got '" + std::string(text) + "'");
}

TEST(AssignText, TakesAnythingThatIsUtf8) {
  std::string x;
  for (const std::string text : {"", "null", "${HOME}", "a\nb", "日本", " blanks "}) {
    EXPECT_EQ(assign(field(x), text), "");
    EXPECT_EQ(x, text);
  }
  EXPECT_EQ(assign(field(x), "caf\xE9"), "expected text, got 'caf\\xe9', which is not UTF-8");
  EXPECT_EQ(x, " blanks ");
}

TEST(AssignText, HoldsChoices) {
  std::string x = "auto";
  const Limits limits{.choices = {"auto", "float32", "bfloat16"}};
  EXPECT_EQ(assign(field(x, limits), "bfloat16"), "");
  EXPECT_EQ(x, "bfloat16");
  EXPECT_EQ(assign(field(x, limits), "bfloat17"),
            "expected one of auto, float32, bfloat16, got 'bfloat17'; did you mean bfloat16?");
  EXPECT_EQ(assign(field(x, limits), "double"),
            "expected one of auto, float32, bfloat16, got 'double'");
  EXPECT_EQ(x, "bfloat16");
}

TEST(AssignPath, ExpandsVariables) {
  ::setenv("PRECIS_TEST_FOLDER", "/data", 1);
  ::setenv("PRECIS_TEST_EMPTY", "", 1);
  ::unsetenv("PRECIS_TEST_MISSING");
  Path x;
  for (const auto& [text, value] :
       {std::pair<const char*, const char*>{"${PRECIS_TEST_FOLDER}/a.csv", "/data/a.csv"},
        {"x${PRECIS_TEST_EMPTY}y", "xy"},
        {"${PRECIS_TEST_FOLDER}${PRECIS_TEST_FOLDER}", "/data/data"},
        {"$HOME", "$HOME"},
        {"a$", "a$"},
        {"$${PRECIS_TEST_FOLDER}", "${PRECIS_TEST_FOLDER}"},
        {"$$${", "$${"},
        {"null", ""},
        {"", ""}}) {
    EXPECT_EQ(assign(field(x), text), "") << text;
    EXPECT_EQ(x.value, value) << text;
  }
}

TEST(AssignPath, RefusesWhatCannotBeExpanded) {
  ::unsetenv("PRECIS_TEST_MISSING");
  Path x{"before"};
  EXPECT_EQ(assign(field(x), "${PRECIS_TEST_MISSING}/a"),
            "expected a path, got '${PRECIS_TEST_MISSING}/a', and the environment has no variable "
            "'PRECIS_TEST_MISSING'");
  EXPECT_EQ(assign(field(x), "${}"),
            "expected a path, got '${}', and the environment has no variable ''");
  EXPECT_EQ(assign(field(x), "a/${HOME"), "expected a path, got 'a/${HOME', where ${ has no }");
  EXPECT_EQ(assign(field(x), std::string("a\0b", 3)),
            "expected a path, got 'a\\x00b', which holds a zero byte");
  EXPECT_EQ(assign(field(x), "\xFF"), "expected a path, got '\\xff', which is not UTF-8");
  EXPECT_EQ(x.value, "before");
}

using List = std::vector<std::string>;

TEST(AssignList, SplitsAtCommas) {
  List x;
  for (const auto& [text, value] :
       {std::pair<const char*, List>{"train,predict", {"train", "predict"}},
        {"[train, predict]", {"train", "predict"}},
        {" train ,\tpredict ", {"train", "predict"}},
        {"train", {"train"}},
        {"", {}},
        {"[]", {}},
        {"[ ]", {}}}) {
    EXPECT_EQ(assign(field(x), text), "");
    EXPECT_EQ(x, value) << text;
  }
}

TEST(AssignList, HoldsChoicesAndRefusesEmptyEntries) {
  List x = {"train"};
  const Limits limits{.choices = {"train", "evaluate", "predict"}};
  EXPECT_EQ(assign(field(x, limits), "train,predikt"),
            "expected a list of train, evaluate, predict, got 'predikt'; did you mean predict?");
  for (const char* text : {"train,,predict", "train,", ",train", ","})
    EXPECT_EQ(assign(field(x, limits), text),
              "expected a list of train, evaluate, predict, got an empty entry")
        << text;
  EXPECT_EQ(assign_list(field(x), {"a", "\xFF"}),
            "expected a list, got '\\xff', which is not UTF-8");
  EXPECT_EQ(x, List{"train"});
}

TEST(AssignList, TakesEntriesWithCommas) {
  List x;
  EXPECT_EQ(assign_list(field(x), {"a,b", "c"}), "");
  EXPECT_EQ(x, (List{"a,b", "c"}));
}

TEST(AssignList, IsForListsOnly) {
  int64_t x = 42;
  EXPECT_EQ(assign_list(field(x, {.min = 1}), {"5"}),
            "expected an integer of at least 1, got a list");
}

TEST(AssignOptional, IsUnsetByNull) {
  std::optional<bool> flag;
  std::optional<int64_t> count;
  std::optional<double> rate;
  EXPECT_EQ(assign(field(flag), "true") + assign(field(count), "3") + assign(field(rate), "0.5"),
            "");
  EXPECT_EQ(flag, true);
  EXPECT_EQ(count, 3);
  EXPECT_EQ(rate, 0.5);
  EXPECT_EQ(assign(field(count), "x"), "expected an integer or null, got 'x'");
  EXPECT_EQ(count, 3);
  EXPECT_EQ(
      assign(field(flag), "null") + assign(field(count), "null") + assign(field(rate), "null"), "");
  EXPECT_FALSE(flag || count || rate);
}

TEST(TypeName, NamesEveryType) {
  bool b{};
  int64_t i{};
  double d{};
  std::string s;
  Path p;
  List l;
  std::optional<bool> ob;
  std::optional<int64_t> oi;
  std::optional<double> od;
  EXPECT_EQ(type_name(field(b)) + "," + type_name(field(ob)), "true or false,true or false");
  EXPECT_EQ(type_name(field(i)) + "," + type_name(field(oi)), "integer,integer");
  EXPECT_EQ(type_name(field(d)) + "," + type_name(field(od)), "number,number");
  EXPECT_EQ(type_name(field(s)) + "," + type_name(field(p)) + "," + type_name(field(l)),
            "text,path,list");
  EXPECT_TRUE(takes_null(field(ob)) && takes_null(field(oi)) && takes_null(field(od)) &&
              takes_null(field(p)));
  EXPECT_FALSE(takes_null(field(b)) || takes_null(field(i)) || takes_null(field(d)) ||
               takes_null(field(s)) || takes_null(field(l)));
}

TEST(Accepted, DescribesPathsWithWords) {
  Path p;
  EXPECT_EQ(accepted(field(p)), "path");
  EXPECT_EQ(accepted(field(p, {.choices = {"auto", "never"}})), "path or one of auto, never");
}

TEST(ToYaml, WritesNumbers) {
  int64_t i = -5;
  EXPECT_EQ(to_yaml(field(i)), "-5");
  for (const auto& [value, text] : {std::pair<double, const char*>{6e-5, "6.0e-05"},
                                    {1, "1.0"},
                                    {0, "0.0"},
                                    {0.1, "0.1"},
                                    {1e22, "1.0e+22"},
                                    {1.5e-9, "1.5e-09"},
                                    {-2.5, "-2.5"}}) {
    double x = value;
    EXPECT_EQ(to_yaml(field(x)), text);
  }
  std::optional<double> none;
  EXPECT_EQ(to_yaml(field(none)), "null");
  std::optional<int64_t> some = 3;
  EXPECT_EQ(to_yaml(field(some)), "3");
}

TEST(ToYaml, QuotesTextsThatNeedIt) {
  for (const auto& [text, yaml] :
       {std::pair<std::string, const char*>{"gpt2-medium", "gpt2-medium"},
        {"/a/b_c.csv", "/a/b_c.csv"},
        {"", "\"\""},
        {"null", "\"null\""},
        {"True", "\"True\""},
        {"no", "\"no\""},
        {"5", "\"5\""},
        {".nan", "\".nan\""},
        {"a: b", "\"a: b\""},
        {"a #b", "\"a #b\""},
        {"say \"x\" \\", "\"say \\\"x\\\" \\\\\""},
        {"a\nb\t", "\"a\\nb\\x09\""},
        {std::string("\0", 1), "\"\\x00\""},
        {"日", "\"日\""},
        {"\u0085", "\"\\x85\""},
        {"\u2028", "\"\\u2028\""},
        {"\uFEFFx", "\"\\ufeffx\""},
        {"-", "\"-\""},
        {"*a", "\"*a\""}}) {
    std::string x = text;
    EXPECT_EQ(to_yaml(field(x)), yaml);
  }
}

TEST(ToYaml, WritesListsAndPaths) {
  List l = {"train", "a, b", "null"};
  EXPECT_EQ(to_yaml(field(l)), "[train, \"a, b\", \"null\"]");
  l.clear();
  EXPECT_EQ(to_yaml(field(l)), "[]");
  Path p;
  EXPECT_EQ(to_yaml(field(p)), "null");
  p.value = "/a b/${X}";
  EXPECT_EQ(to_yaml(field(p)), "\"/a b/$${X}\"");
}

TEST(ToYaml, DoublesComeBackExactly) {
  for (const double value :
       {0.1, 1.0 / 3, 6e-5, 5e-324, std::numeric_limits<double>::max(), 123456789012345678.0}) {
    double x = value, y = 0;
    EXPECT_EQ(assign(field(y), to_yaml(field(x))), "");
    EXPECT_EQ(x, y);
  }
}

TEST(FindField, FindsDottedNames) {
  int64_t a = 0, b = 0;
  const Sections sections = {{"x", {{"key", &a, ""}}}, {"y", {{"key", &b, ""}}}};
  ASSERT_NE(find_field(sections, "y.key"), nullptr);
  EXPECT_EQ(std::get<int64_t*>(find_field(sections, "y.key")->value), &b);
  EXPECT_EQ(find_field(sections, "key"), nullptr);
  EXPECT_EQ(find_field(sections, "z.key"), nullptr);
  EXPECT_EQ(find_field(sections, "x.key.more"), nullptr);
}

}  // namespace
}  // namespace precis
