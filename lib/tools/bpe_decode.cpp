#include "lib/tools/bpe_decode.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/errors.h"
#include "lib/text/json_text.h"
#include "lib/tools/line_blocks.h"

namespace precis {

void decode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  std::vector<int32_t> ids;
  JsonReader reader(input.all(), kStandardInput);
  while (!reader.at_end()) ids.push_back(reader.read_integer());
  try {
    output.write(tokenizer.decode(ids));
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", kStandardInput, error.what()));
  }
}

void decode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output,
                       int num_threads) {
  work_on_lines(input, output, num_threads, [&](const LineBlock& block, std::string& out) {
    std::vector<int32_t> ids;
    block.for_each_line([&](std::string_view line, int64_t number) {
      JsonReader reader(line, kStandardInput, number);
      ids.clear();
      reader.expect('[');
      if (!reader.take(']')) {
        do ids.push_back(reader.read_integer());
        while (reader.take(','));
        reader.expect(']');
      }
      reader.expect_end();
      try {
        append_json_string(out, tokenizer.decode(ids));
      } catch (const DataError& error) {
        throw DataError(fmt::format("{}, line {}: {}", kStandardInput, number, error.what()));
      }
      out.push_back('\n');
    });
  });
}

}  // namespace precis
