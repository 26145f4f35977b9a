// Just enough JSON for vocabularies and for lines of texts and ids, at the speed of the tokenizer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// Reads JSON from left to right. What is malformed throws DataError: "NAME, line 3, column 7:
/// expected a string, got ...". Holds views only: text and name must outlive it.
class JsonReader {
 public:
  /// `first_line`: the number of the text's first line in what `name` names.
  JsonReader(std::string_view text, std::string_view name, int64_t first_line = 1)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        name_(name),
        first_line_(first_line) {}

  /// Skips white space; true if nothing follows.
  bool at_end();
  /// Skips white space and takes `token` if it is next.
  bool take(char token);
  /// take(), or else an error.
  void expect(char token);
  /// Throws unless nothing but white space follows.
  void expect_end();
  /// A string, unescaped, as UTF-8. `out` is overwritten. Half of a surrogate pair becomes U+FFFD,
  /// as in tiktoken; bytes that are no UTF-8 are errors.
  void read_string(std::string& out);
  /// An integer within 32 bits.
  int32_t read_integer();
  /// Passes over a value of any kind and returns it as it is written. Of what is inside, only
  /// brackets and quotes are looked at.
  std::string_view skip_value();
  /// The line in which the last read began.
  int64_t line_of_last() const;
  /// Throws about the place where the last read began.
  [[noreturn]] void fail_at_last(const std::string& what) const;

 private:
  [[noreturn]] void fail(const char* where, const std::string& what) const;
  [[noreturn]] void fail_expected(const std::string& what) const;
  void skip_blanks();
  void read_escape(std::string& out);
  uint32_t read_hex4(const char* escape);
  void require_utf8(const char* end);
  void skip_string();
  void skip_scalar();

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* last_ = begin_;
  std::string_view name_;
  int64_t first_line_;
};

/// A member of a JSON object: its value as it is written, and the line where that begins.
struct JsonMember {
  std::string key;
  std::string_view text;
  int64_t line = 1;
};

/// The members of an object, whose values are only passed over. Throws DataError as JsonReader.
std::vector<JsonMember> json_members(std::string_view object, std::string_view name,
                                     int64_t first_line = 1);

/// Appends text as a JSON string with its quotes. Sequences that are no UTF-8 become U+FFFD, as
/// Python's "replace" does.
void append_json_string(std::string& out, std::string_view text);

}  // namespace precis
