#include "lib/tools/bpe_encode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/json_text.h"
#include "lib/tools/decimal.h"
#include "lib/tools/line_blocks.h"

namespace precis {
namespace {

/// Appends ids with a separator of at most two bytes between.
void append_ids(std::string& out, std::span<const int32_t> ids, std::string_view separator) {
  constexpr size_t kMost = 256;  // that are put together before they are appended
  std::array<char, kMost*(kDecimalBytes + 2)> digits;
  std::array<char, 2> between{};
  std::copy(separator.begin(), separator.end(), between.begin());
  for (size_t begin = 0; begin < ids.size(); begin += kMost) {
    char* at = digits.data();
    for (const int32_t id : ids.subspan(begin, std::min(kMost, ids.size() - begin))) {
      at = write_decimal(static_cast<uint32_t>(id), at);
      at = std::copy(between.begin(), between.end(), at) - (between.size() - separator.size());
    }
    out.append(digits.data(), at);
  }
  if (!ids.empty()) out.resize(out.size() - separator.size());
}

}  // namespace

void encode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  std::string out;
  append_ids(out, tokenizer.encode(input.all()), " ");
  out.push_back('\n');
  output.write(out);
}

void encode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output,
                       int num_threads) {
  work_on_lines(input, output, num_threads, [&](const LineBlock& block, std::string& out) {
    const BpeTokenizer::Encoder encoder = tokenizer.encoder();
    std::string text;
    std::vector<int32_t> ids;
    block.for_each_line([&](std::string_view line, int64_t number) {
      JsonReader reader(line, kStandardInput, number);
      reader.read_string(text);
      reader.expect_end();
      ids.clear();
      encoder.encode_to(text, ids);
      out.push_back('[');
      append_ids(out, ids, ", ");
      out.append("]\n");
    });
  });
}

}  // namespace precis
