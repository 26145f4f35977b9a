#include "lib/tools/bpe_encode.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/json_text.h"

namespace precis {
namespace {

void append_ids(std::string& out, const std::vector<int32_t>& ids, std::string_view separator) {
  constexpr size_t kMaxDigits = 10;
  const size_t before = out.size();
  out.resize(before + ids.size() * (kMaxDigits + separator.size()));
  char* at = out.data() + before;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) at = std::copy(separator.begin(), separator.end(), at);
    at = std::to_chars(at, at + kMaxDigits, ids[i]).ptr;
  }
  out.resize(static_cast<size_t>(at - out.data()));
}

}  // namespace

void encode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  append_ids(output.buffer(), tokenizer.encode(input.all()), " ");
  output.buffer().push_back('\n');
  output.flush();
}

void encode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  std::string text;
  std::vector<int32_t> ids;
  for_each_line(input, output, [&](std::string_view line, int64_t number) {
    JsonReader reader(line, kStandardInput, number);
    reader.read_string(text);
    reader.expect_end();
    ids.clear();
    tokenizer.encode_to(text, ids);
    output.buffer().push_back('[');
    append_ids(output.buffer(), ids, ", ");
    output.buffer().append("]\n");
  });
}

}  // namespace precis
