#include "lib/train/out_of_memory.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lib/comm/torch_failure.h"

namespace precis {

OutOfMemory::OutOfMemory(const MemoryNeed& need)
    : SharedError(ExitCode::kDevice,
                  fmt::format("there is not enough memory for micro-batches of {} tokens: set "
                              "train.micro_batch_tokens to a smaller number, take a smaller "
                              "model, or end what else runs on the device",
                              need.largest)),
      need_(need) {}

bool is_out_of_memory(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error&) {
    return false;
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (...) {  // of CUDA's libraries, which have words for it and no type
    return describe_torch_failure(error).code == static_cast<int>(ExitCode::kDevice);
  }
}

void throw_out_of_memory(const World& world, const MemoryNeed& mine) {
  MemoryNeed most;
  for (const std::string& said : world.all_gather(fmt::format("{} {}", mine.largest, mine.alone))) {
    const size_t blank = said.find(' ');
    most.largest = std::max<int64_t>(most.largest, std::stoll(said.substr(0, blank)));
    most.alone = std::max<int64_t>(most.alone, std::stoll(said.substr(blank)));
  }
  throw OutOfMemory(most);
}

}  // namespace precis
