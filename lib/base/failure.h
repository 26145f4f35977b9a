// What an exception means to the person who started the program.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace precis {

/// How a program ended: its exit code and, for people, why.
struct Failure {
  int code = 1;
  std::string
      message;  ///< one sentence, or a line for each of several errors; names no library of ours
  bool out_of_memory = false;  ///< of the machine or of a GPU: less work at a time may fit
};

/// What an exception means. `Error`: its own code and words; a failed system call or no memory
/// left: 1 and a sentence; a GPU's memory at its end, told by the words of CUDA's libraries: 4 and
/// what to do; anything else is a defect of ours: 1 and a sentence that says so.
Failure describe_failure(const std::exception_ptr& error);

/// That a GPU has no memory left. Size and device are taken out of `text`, what the allocator said,
/// where it names them.
Failure out_of_gpu_memory(std::string_view text);

}  // namespace precis
