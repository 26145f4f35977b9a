// Scratch memory that is taken in order and given back in order, and kept from one micro-batch to
// the next: fresh memory from the operating system costs a page fault for every 4 KiB, which on a
// CPU is as slow as the arithmetic.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <vector>

namespace precis {

/// A stack of tensors. Not thread-safe. Tensors taken are valid until the mark below them is
/// released.
class Workspace {
 public:
  explicit Workspace(at::Device device = at::kCPU) : device_(device) {}

  /// Uninitialised tensor of this shape.
  at::Tensor take(at::IntArrayRef sizes, at::ScalarType type);

  /// Grows to what was in use at most, if it is to grow at all; nothing may be in use. Returns how
  /// often it has moved: as long as that is the same, the same tensors taken in the same order lie
  /// in the same places.
  int64_t settle();

  /// The most bytes that were in use at a time.
  int64_t peak_bytes() const { return peak_; }

  /// Everything taken after this is given back when the mark goes out of scope.
  class Mark {
   public:
    explicit Mark(Workspace& workspace) : workspace_(workspace), used_(workspace.used_) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { workspace_.release(used_); }

   private:
    Workspace& workspace_;
    int64_t used_;
  };

 private:
  void grow();
  void release(int64_t used);
  int64_t capacity() const { return block_.defined() ? block_.numel() : 0; }

  at::Device device_;
  at::Tensor block_;  ///< bytes; the stack, from 0 to used_
  std::vector<at::Tensor>
      overflow_;  ///< what did not fit; block_ grows to hold all once the stack is empty
  int64_t used_ = 0, peak_ = 0, moves_ = 0;
};

}  // namespace precis
