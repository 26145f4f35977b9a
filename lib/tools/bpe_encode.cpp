#include "lib/tools/bpe_encode.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/json_text.h"
#include "lib/tools/id_texts.h"
#include "lib/tools/line_blocks.h"

namespace precis {
void encode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  std::string out;
  IdTexts(tokenizer.vocab_size(), " ").append_to(out, tokenizer.encode(input.all()));
  out.push_back('\n');
  output.write(out);
}

void encode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output,
                       int num_threads) {
  const IdTexts id_texts(tokenizer.vocab_size(), ", ");
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
      id_texts.append_to(out, ids);
      out.append("]\n");
    });
  });
}

}  // namespace precis
