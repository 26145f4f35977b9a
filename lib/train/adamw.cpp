#include "lib/train/adamw.h"

#include <ATen/ATen.h>

namespace precis {

AdamW::AdamW(FlatParameters& parameters, const TrainConfig& config)
    : beta1_(config.beta1),
      beta2_(config.beta2),
      eps_(config.eps),
      exp_avg_(at::zeros_like(parameters.gradient())),
      exp_avg_sq_(at::zeros_like(parameters.gradient())),
      step_(at::zeros({}, parameters.master().options())),
      divisor_(at::ones({}, parameters.master().options())) {
  groups_.resize(2);
  groups_[0].weight_decay = config.weight_decay;
  const auto& slots = parameters.table().slots();
  for (size_t first = 0; first < slots.size();) {
    size_t last = first + 1;
    while (last < slots.size() && slots[last].decay == slots[first].decay &&
           slots[last].trainable == slots[first].trainable)
      ++last;
    if (slots[first].trainable)
      add(groups_[slots[first].decay ? 0 : 1], parameters,
          {slots.begin() + first, slots.begin() + last});
    first = last;
  }
}

/// `run`: trained parameters that lie one behind the other in all buffers.
void AdamW::add(Group& group, FlatParameters& parameters, std::span<const ParameterSlot> run) {
  const int64_t begin = run.front().gradient_offset,
                count = run.back().gradient_offset + run.back().numel - begin;
  group.parameters.push_back(parameters.master().narrow(0, run.front().offset, count));
  group.gradients.push_back(parameters.gradient().narrow(0, begin, count));
  group.exp_avgs.push_back(exp_avg_.narrow(0, begin, count));
  group.exp_avg_sqs.push_back(exp_avg_sq_.narrow(0, begin, count));
  group.steps.push_back(step_);  // one for all: a device writes it once
}

void AdamW::set_steps(int64_t steps) {
  steps_ = steps;
  step_.fill_(static_cast<double>(steps));
}

void AdamW::step(double learning_rate, double divisor) {
  set_steps(steps_ + 1);  // the operator takes the step's own number, from 1
  divisor_.fill_(divisor);
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;  // all of its parameters are frozen
    at::_fused_adamw_(group.parameters, group.gradients, group.exp_avgs, group.exp_avg_sqs, {},
                      group.steps, learning_rate, beta1_, beta2_, group.weight_decay, eps_,
                      /*amsgrad=*/false, /*maximize=*/false, divisor_);
  }
}

}  // namespace precis
