// What `bpe decode` does.
#pragma once

#include "lib/text/bpe_tokenizer.h"
#include "lib/tools/streams.h"

namespace precis {

/// Ids with blanks or line ends between come in, the bytes of their tokens go out. Throws DataError
/// for an id without a token.
void decode_text(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output);

/// A JSON array of ids a line in, a JSON string a line out; see work_on_lines(). Throws DataError
/// naming the line.
void decode_json_lines(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output,
                       int num_threads);

}  // namespace precis
