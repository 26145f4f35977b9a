// Lines that several threads work on at once, and whose results leave in the lines' order.
#pragma once

#include <functional>
#include <string>

#include "lib/tools/streams.h"

namespace precis {

/// Appends to `out` what a block of lines becomes. Called by several threads at once.
using LineWork = std::function<void(const LineBlock& block, std::string& out)>;

/// Does the work for all lines of the input on at most num_threads threads, the caller's included,
/// and writes what it gave. What has come in is always written before more is waited for: whoever
/// types a line sees its result at once. After an error, which is thrown again here, nothing more
/// is read; what lines before it gave has been written.
void work_on_lines(InputStream& input, OutputStream& output, int num_threads, const LineWork& work);

}  // namespace precis
