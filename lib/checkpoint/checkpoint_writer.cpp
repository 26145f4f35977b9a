#include "lib/checkpoint/checkpoint_writer.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "lib/base/errors.h"
#include "lib/tensor/memory_shortage.h"

namespace precis {

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::save_best(State state) {
  save({true, 0, state.iter, std::move(state.content)}, state.tensors);
}

void CheckpointWriter::save_last(State state, int64_t keep_last) {
  save({false, keep_last, state.iter, std::move(state.content)}, state.tensors);
}

void CheckpointWriter::save(Job job, std::span<const at::Tensor> tensors) {
  {
    Lock lock(mutex_);
    if (job.iter != copied_iter_) {
      wait_until_written(lock);
      try_again(lock, job.best);
      copied_iter_ = -1;  // stays so where there is no memory for a copy
      if (lacks_memory([&] { copy(tensors); }) || !start_thread())
        return save_at_once(lock, job, tensors);
      copied_iter_ = job.iter;
    }
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

/// Whether there is one.
bool CheckpointWriter::start_thread() {
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    return true;
  } catch (const std::system_error&) {  // no room for its stack
    return false;
  }
}

/// Writes from the tensors themselves while the caller waits. What fails is tried again by the next
/// save of that name.
void CheckpointWriter::save_at_once(Lock& lock, const Job& job,
                                    std::span<const at::Tensor> tensors) {
  copies_.clear();
  const bool lacking = lacks_memory([&] {
    for (const at::Tensor& tensor : tensors) copies_.push_back(tensor.to(at::kCPU, at::kFloat));
  });
  lock.unlock();
  std::optional<std::string> error = lacking ? no_memory_for(job) : write(job);
  lock.lock();
  copies_.clear();
  note(job, std::move(error));
}

void CheckpointWriter::wait_until_written(Lock& lock) const {
  changed_.wait(lock, [this] { return jobs_.empty(); });
}

/// Queues what failed while its copy is still there, but not the file that is about to be saved
/// anew. Whether there is anything.
bool CheckpointWriter::queue_failed(std::optional<bool> except_best) {
  for (const auto& failed : failed_)
    if (failed && failed->job.iter == copied_iter_ && failed->job.best != except_best)
      jobs_.push_back(failed->job);
  return !jobs_.empty();
}

/// Writes again what failed. Nothing may be in work.
void CheckpointWriter::try_again(Lock& lock, std::optional<bool> except_best) {
  queue_failed(except_best);
  changed_.notify_all();
  wait_until_written(lock);
}

void CheckpointWriter::copy(std::span<const at::Tensor> tensors) {
  copies_.resize(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    at::Tensor& target = copies_[i];
    if (!target.defined() || target.sizes() != tensors[i].sizes())
      target = at::empty(tensors[i].sizes(), at::TensorOptions(at::kCPU).dtype(at::kFloat));
    target.copy_(tensors[i]);
  }
}

void CheckpointWriter::work() {
  Lock lock(mutex_);
  for (;;) {
    const auto has_work = [this] { return ending_ || !jobs_.empty(); };
    if (!failed_[0] && !failed_[1])
      changed_.wait(lock, has_work);
    else if (!changed_.wait_for(lock, rest_, has_work) && !queue_failed(std::nullopt))
      continue;  // its copy is gone: the next save of that name tries
    if (jobs_.empty()) return;
    const Job& job = jobs_.front();  // a deque's elements stay where they are when more come
    lock.unlock();
    std::optional<std::string> error = write(job);
    lock.lock();
    note(job, std::move(error));
    jobs_.pop_front();
    changed_.notify_all();
  }
}

void CheckpointWriter::note(const Job& job, std::optional<std::string> error) {
  const size_t name = job.best ? 1 : 0;
  failed_[name].reset();
  if (!error) {
    if (std::exchange(told_[name], false)) repaired_.emplace_back(job.best ? "ckpt.pt" : "last.pt");
    return;
  }
  if (!std::exchange(told_[name], true)) untold_.push_back(*error);
  failed_[name] = Failed{job, std::move(*error)};
}

/// Nothing, or why it could not be written.
std::optional<std::string> CheckpointWriter::write(const Job& job) const {
  try {
    if (before_) before_();
    const Value content = job.content(copies_);
    if (job.best)
      folder_.save_best(content);
    else
      folder_.save_last(content, job.iter, job.keep_last);
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    if (is_out_of_memory(std::current_exception())) return no_memory_for(job);
    return fmt::format("{}: cannot be written: {}",
                       (job.best ? folder_.best() : folder_.last()).string(), error.what());
  }
}

std::string CheckpointWriter::no_memory_for(const Job& job) const {
  return fmt::format("{}: cannot be written: there is not enough memory",
                     (job.best ? folder_.best() : folder_.last()).string());
}

std::vector<std::string> CheckpointWriter::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(untold_, {});
}

std::vector<std::string> CheckpointWriter::take_repairs() {
  const std::lock_guard lock(mutex_);
  return std::exchange(repaired_, {});
}

void CheckpointWriter::finish(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  Lock lock(mutex_);
  wait_until_written(lock);
  try_again(lock, std::nullopt);
  const auto can_be_made_good = [this](const std::optional<Failed>& failed) {
    return failed && failed->job.iter == copied_iter_;
  };
  while (std::ranges::any_of(failed_, can_be_made_good) &&
         std::chrono::steady_clock::now() < until) {
    constexpr std::chrono::milliseconds kPause{250};
    changed_.wait_for(lock, kPause, [] { return false; });
    wait_until_written(lock);
    try_again(lock, std::nullopt);
  }
  std::vector<std::string> reasons;
  for (const auto& failed : failed_)
    if (failed) reasons.push_back(failed->why + "; mend that and run the same line again");
  if (reasons.empty()) {
    copies_.clear();
    copied_iter_ = -1;
    return;
  }
  untold_.clear();  // the same, but for what was made good since
  throw DataError(fmt::format("{}", fmt::join(reasons, "\n")));
}

}  // namespace precis
