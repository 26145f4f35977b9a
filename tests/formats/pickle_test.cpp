// The restricted unpickler against pickles written by hand: what it refuses, and how it says so.
#include <cstdint>

#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of_pickle;
using testing::expect_words;
using testing::read_bytes;
using testing::zip_of;
using namespace std::string_literals;

const std::string kProto = "\x80\x02";

std::string text(const std::string& content) {
  std::string pickled = "X";
  append_number(pickled, static_cast<uint32_t>(content.size()));
  return pickled + content;
}

std::string integer(int64_t number) {
  std::string pickled = "\x8a\x08";
  append_number(pickled, number);
  return pickled;
}

std::string sizes(const std::vector<int64_t>& numbers) {
  std::string pickled = "(";
  for (const int64_t number : numbers) pickled += integer(number);
  return pickled + "t";
}

std::string storage(int64_t count, const std::string& type = "FloatStorage",
                    const std::string& key = "0") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") +
         integer(count) + "tQ";
}

std::string tensor(const std::string& from, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + from + integer(offset) + sizes(shape) +
         sizes(strides) + "\x89NtR";
}

Value read_pickled(const std::string& pickle) {
  static std::string archive;
  archive = zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", "12345678"}});
  return read_bytes(archive);
}

TEST(Pickle, RefusesEveryOtherGlobalByName) {
  const std::string where = "/data/x.pt: entry archive/data.pkl: ";
  EXPECT_EQ(error_of_pickle(kProto + "cposix\nsystem\n" + text("touch owned") + "\x85R."),
            where +
                "asks for posix.system, which a checkpoint has no use for; refused, nothing of it "
                "was run. If the file is yours, save it again without that object: tensors, "
                "numbers, texts, lists and dicts are read");
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"builtins", "eval"},
                                                        {"os", "system"},
                                                        {"torch", "load"},
                                                        {"torch._utils", "_rebuild_tensor"},
                                                        {"collections", "Counter"},
                                                        {"torch.storage", "_load_from_bytes"},
                                                        {"argparse", "Namespace"},
                                                        {"__builtin__", "eval"},
                                                        {"builtins", "getattr"},
                                                        {"numpy", "load"},
                                                        {"", ""}}) {
    expect_words(error_of_pickle(kProto + "c" + module + "\n" + name + "\n."),
                 {"asks for " + module + "." + name, "refused"});
    expect_words(error_of_pickle("\x80\x04" + text(module) + text(name) + "\x93."),
                 {"asks for " + module + "." + name});
    expect_words(error_of_pickle(kProto + "(i" + module + "\n" + name + "\n."),
                 {"asks for " + module + "." + name});
  }
  expect_words(error_of_pickle(kProto + "(icollections\nOrderedDict\n."),
               {"instance of OrderedDict"});
  expect_words(error_of_pickle("\x80\x04K\1K\2\x93."), {"no text"});
}

TEST(Pickle, CallsNothingButWhatBuildsTensorsAndDicts) {
  expect_words(error_of_pickle(kProto + "K\1)R."), {"an integer where a function"});
  expect_words(error_of_pickle(kProto + "ccollections\nOrderedDict\nK\1R."),
               {"an integer where a tuple of arguments"});
  expect_words(error_of_pickle(kProto + "ccollections\nOrderedDict\nK\1\x85R."),
               {"calls OrderedDict with 1"});
  expect_words(error_of_pickle(kProto + "ctorch\nFloatStorage\n)R."), {"calls FloatStorage"});
  expect_words(error_of_pickle(kProto + "ctorch\nFloatStorage\n."),
               {"the global FloatStorage where a value"});
  expect_words(error_of_pickle(kProto + storage(2) + "."), {"a storage where a value"});
  expect_words(error_of_pickle(kProto + "ctorch._utils\n_rebuild_parameter\nN\x85R."),
               {"None where a parameter's tensor"});
  expect_words(error_of_pickle(kProto + "}}b."), {"sets attributes of a dict"});
  expect_words(error_of_pickle(kProto + "NQ."), {"None where a storage's description"});
}

TEST(Pickle, RefusesTensorsThatDoNotFitTheirStorage) {
  // Two floats are there.
  expect_words(error_of_pickle(kProto + storage(3) + "."),
               {"storage 0", "3 elements", "float32", "8 bytes"});
  expect_words(error_of_pickle(kProto + storage(1) + "."), {"1 elements", "8 bytes"});
  expect_words(error_of_pickle(kProto + storage(-1) + "."), {"-1 elements"});
  expect_words(error_of_pickle(kProto + storage(int64_t{1} << 62) + "."), {"8 bytes"});
  expect_words(error_of_pickle(kProto + storage(2, "FloatStorage", "7") + "."),
               {"archive/data/7", "missing"});
  expect_words(error_of_pickle(kProto + storage(2, "FloatStorage", "../data.pkl") + "."),
               {"missing"});
  expect_words(error_of_pickle(kProto + storage(2, "Size") + "."), {"Size is no storage's type"});
  const std::string floats = storage(2);
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {3}, {1}) + "."),
               {"shape (3)", "2 elements"});
  expect_words(error_of_pickle(kProto + tensor(floats, 1, {2}, {1}) + "."), {"offset 1"});
  expect_words(error_of_pickle(kProto + tensor(floats, -1, {1}, {1}) + "."), {"offset -1"});
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {-1}, {1}) + "."), {"shape (-1)"});
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {2}, {-1}) + "."), {"strides (-1)"});
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {2, 1}, {1}) + "."),
               {"shape (2, 1) with strides (1)"});
  expect_words(error_of_pickle(
                   kProto + tensor(floats, 0, {int64_t{1} << 40, int64_t{1} << 40}, {0, 0}) + "."),
               {"does not fit"});
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {3, 3}, {int64_t{1} << 62, 1}) + "."),
               {"does not fit"});
  expect_words(error_of_pickle(kProto + tensor(floats, 0, {int64_t{1} << 40}, {0}) + "."),
               {"more memory than the file"});
  expect_words(
      error_of_pickle(kProto +
                      tensor(floats, 0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)) +
                      "."),
      {"65 dimensions"});
  const Value fits = read_pickled(kProto + tensor(floats, 1, {1, 1}, {int64_t{1} << 62, 5}) + ".");
  EXPECT_EQ(as_text(fits.get_if<ArrayView>()->bytes), "5678");
}

TEST(Pickle, CopiesNoMoreThanTheFileHolds) {
  std::string many = kProto + storage(2) + "q\2" + "0](";
  for (int i = 0; i < 1000; ++i) many += tensor("h\2", 0, {100}, {0});
  expect_words(error_of_pickle(many + "e."), {"more memory than the file"});
}

TEST(Pickle, RefusesWhatWouldFillTheMemory) {
  std::string doubling = kProto + "]q\0"s;  // each list holds the one before twice
  for (int i = 0; i < 90; ++i) doubling += "0](h\0h\0eq\0"s;
  expect_words(error_of_pickle(doubling + "."), {"fill the memory"});
  const std::string nested = kProto + std::string(200, ']') + std::string(199, 'a') + ".";
  expect_words(error_of_pickle(nested), {"nested more than 100"});
  const std::string shallow = kProto + std::string(100, ']') + std::string(99, 'a') + ".";
  EXPECT_STREQ(read_pickled(shallow).kind_name(), "a list");
  expect_words(error_of_pickle(kProto + "]q\0h\0a."s), {"refers to itself"});
  expect_words(error_of_pickle(kProto + "(" + std::string(1 << 20, ']') + "l."),
               {"more than 1048576 objects"});
  expect_words(error_of_pickle(kProto + "X\xff\xff\xff\x7f" + "."), {"cut short"});
  expect_words(error_of_pickle(kProto + "\x8b\xff\xff\xff\x7f" + "."), {"cut short"});
}

TEST(Pickle, RefusesWhatIsMalformed) {
  expect_words(error_of_pickle(""), {"archive/data.pkl", "empty"});
  expect_words(error_of_pickle(kProto + "."), {"where none is"});
  expect_words(error_of_pickle(kProto + "(."), {"where none is"});
  expect_words(error_of_pickle(kProto + "N(0."), {"where none is"});
  expect_words(error_of_pickle(kProto + "t."), {"no mark"});
  expect_words(error_of_pickle(kProto + "h\5."), {"recalls object 5"});
  expect_words(error_of_pickle(kProto + "Na."), {"where none is"});
  expect_words(error_of_pickle(kProto + "NNa."), {"appends to None"});
  expect_words(error_of_pickle(kProto + "]NNs."), {"sets items of a list"});
  expect_words(error_of_pickle(kProto + "}(Nu."), {"without a value"});
  expect_words(error_of_pickle(kProto + "}NNs."), {"None as a dict's key"});
  expect_words(error_of_pickle(kProto + "}(K\1NK\1Nu."), {"the key 1 twice"});
  expect_words(error_of_pickle(kProto + "}(" + text("a") + "N" + text("a") + "Nu."),
               {"the key 'a' twice"});
  expect_words(error_of_pickle(kProto + "\x8a\x09" + std::string(9, '\1') + "."),
               {"integer of 9 bytes"});
  expect_words(error_of_pickle("\x80\x06."), {"protocol 6"});
  expect_words(error_of_pickle(kProto + "P1\n."), {"opcode 0x50"});
  expect_words(error_of_pickle(kProto + "N"), {"cut short"});
  expect_words(error_of_pickle(kProto + "cposix"), {"cut short"});
}

/// The numpy scalar of a type and these bytes, as torch.save's protocol 2 writes it.
std::string numpy_number(const std::string& type, const std::string& bytes_as_text,
                         const std::string& order = "<") {
  return "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + text(type) + "\x89\x88tR(K\3" +
         text(order) + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s + "c_codecs\nencode\n" +
         text(bytes_as_text) + text("latin1") + "\x86RtR";
}

TEST(Pickle, ReadsTheNumbersOfNumpy) {
  const auto number = [](const std::string& type, const std::string& bytes) {
    return read_pickled(kProto + numpy_number(type, bytes) + ".");
  };
  EXPECT_EQ(number("f8", "\0\0\0\0\0\0\xc3\xb4\xc2\xbf"s).number(), -1.25);
  EXPECT_EQ(number("f4", "\0\0 @"s).number(), 2.5);
  EXPECT_EQ(number("f2", "\0>"s).number(), 1.5);
  EXPECT_EQ(number("i8", "\1\1\0\0\0\0\0\0"s).integer(), 257);
  EXPECT_EQ(number("i2", "\xc3\xbe\xc3\xbf").integer(), -2);
  EXPECT_EQ(number("u2", "\xc3\xbe\xc3\xbf").integer(), 65534);
  EXPECT_EQ(
      number("u8", "\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf").number(),
      0x1p64);
  EXPECT_EQ(*number("b1", "\1").get_if<bool>(), true);
  // numpy 2 and protocol 4: another name, and bytes as they are
  EXPECT_EQ(read_pickled("\x80\x04" + text("numpy._core.multiarray") + text("scalar") +
                         "\x93(cnumpy\ndtype\n(" + text("i4") + "\x89\x88tRC\4\7\0\0\0tR."s)
                .integer(),
            7);
  expect_words(error_of_pickle(kProto + numpy_number("f8", "1234") + "."),
               {"numpy's type f8 in 4 bytes"});
  expect_words(error_of_pickle(kProto + numpy_number("U4", "1234") + "."), {"numpy's type U4"});
  expect_words(error_of_pickle(kProto + numpy_number("c8", "12345678") + "."), {"type c8"});
  expect_words(error_of_pickle(kProto + numpy_number("f99", "") + "."), {"numpy's type f99"});
  expect_words(error_of_pickle(kProto + numpy_number("f8", "12345678", ">") + "."),
               {"big-endian", "f8"});
  for (const char* damaged : {"1234567\xc3", "123456\xe2\x82\xac", "1234567\xc3\x41"})
    expect_words(error_of_pickle(kProto + numpy_number("f8", damaged) + "."),
                 {"bytes written as a text"});
}

TEST(Pickle, ReadsWhatTrainingScriptsLeaveBeside) {
  const Value dict =
      read_pickled(kProto + "ccollections\ndefaultdict\nc__builtin__\ndict\n\x85RK\1K\2s.");
  EXPECT_EQ(dict.find(int64_t{1})->integer(), 2);
  const Value path =
      read_pickled(kProto + "cpathlib\nPosixPath\n" + text("out") + text("run") + "\x86R.");
  EXPECT_EQ(path.get_if<Value::Tuple>()->items.size(), 2U);
  const Value set = read_pickled(kProto + "c__builtin__\nset\n](K\1K\2e\x85R.");
  EXPECT_EQ(set.get_if<Value::List>()->items.size(), 2U);
  // the state of numpy's random generator
  EXPECT_TRUE(read_pickled(kProto + "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" +
                           "K\0\x85"s + text("b") + "tR(K\1K\2\x85Nt" + "b.")
                  .is_none());
  EXPECT_EQ(*read_pickled(kProto + "ctorch\nuint16\n.").get_if<std::string>(), "uint16");
  EXPECT_EQ(*read_pickled(kProto + "C\3abc.").get_if<std::string>(), "abc");
  expect_words(
      error_of_pickle(kProto + "c_codecs\nencode\n" + text("a") + text("rot13") + "\x86R."),
      {"calls encode"});
  expect_words(error_of_pickle(kProto + "c__builtin__\ndict\n)R."), {"calls dict"});
}

TEST(Pickle, ReadsIntegersOfEveryLength) {
  EXPECT_EQ(read_pickled(kProto + "\x8a\0."s).integer(), 0);
  EXPECT_EQ(read_pickled(kProto + "\x8a\1\xff.").integer(), -1);
  EXPECT_EQ(read_pickled(kProto + "\x8a\2\xff\0."s).integer(), 255);
  EXPECT_EQ(read_pickled(kProto + "J\xfe\xff\xff\xff.").integer(), -2);
  EXPECT_EQ(read_pickled("\x80\x05\x95\4\0\0\0\0\0\0\0\x8c\2hi\x94."s).kind_name(), "a text"s);
}

}  // namespace
}  // namespace precis
