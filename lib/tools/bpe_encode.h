// What `bpe encode` does.
#pragma once

#include "lib/text/bpe_tokenizer.h"
#include "lib/tools/streams.h"

namespace precis {

/// The whole input is one text; its ids go out in one line, with blanks between.
void encode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output);

/// A JSON string a line in, a JSON array of ids a line out; see work_on_lines(). Throws DataError
/// naming the line.
void encode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output,
                       int num_threads);

}  // namespace precis
