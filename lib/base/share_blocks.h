// Independent work on many items, shared out to a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace precis {

/// Calls work(first, last) for the items 0 to num_items - 1, at most `block` of them at a time, on
/// num_threads threads, the caller's included; no more than there are blocks are started. A thread
/// takes the next block when it is done with its last one. After an error no thread takes another
/// one, and one of the errors is thrown again here.
void share_blocks(size_t num_items, size_t block, int num_threads,
                  const std::function<void(size_t first, size_t last)>& work);

}  // namespace precis
