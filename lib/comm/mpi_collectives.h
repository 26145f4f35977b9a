// Sums over ranks on the CPU. Ranks of one node share the memory of the buffers they allocate, and
// each sums its part of a piece straight into everybody's buffer, 5 to 12 times faster than
// MPI_Allreduce; across nodes MPI_Allreduce does it.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/comm/collectives.h"

namespace precis {

class MpiCollectives : public Collectives {
 public:
  explicit MpiCollectives(const World& world);
  MpiCollectives(const MpiCollectives&) = delete;
  MpiCollectives& operator=(const MpiCollectives&) = delete;
  ~MpiCollectives() override;

  std::string name() const override { return "mpi"; }
  at::Tensor allocate(int64_t numel, at::Device device) override;
  void start_all_reduce(const at::Tensor& part) override;
  void wait() override;

 private:
  struct Shared;  // a buffer that the ranks of the node see of each other
  struct Comm;    // communicator of the worker thread

  void work();
  void reduce(const at::Tensor& part);
  void reduce_shared(const Shared& shared, int64_t begin, int64_t count);
  void meet();

  const World& world_;
  std::unique_ptr<Comm> comm_;
  std::vector<std::unique_ptr<Shared>> shared_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<at::Tensor> queue_;  // front: in work
  bool ending_ = false;
  std::exception_ptr failure_;
  std::thread worker_;
};

}  // namespace precis
