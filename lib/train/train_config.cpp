#include "lib/train/train_config.h"
namespace precis {

Fields TrainConfig::fields() {
  return {
      {"max_iters", &max_iters, "iterations; one is one optimizer step", {.min = 0, .max = 1e9}},
      {"global_batch_size",
       &global_batch_size,
       "samples of an optimizer step, over all ranks",
       {.min = 1, .max = 1e7}},
      {"micro_batch_tokens",
       &micro_batch_tokens,
       "input tokens a rank runs at a time",
       {.min = 1, .max = 1e9}},
      {"learning_rate", &learning_rate, "peak learning rate", {.min = 0}},
      {"min_lr", &min_lr, "learning rate at the end of the decay", {.min = 0}},
      {"warmup_iters", &warmup_iters, "iterations of linear warm-up", {.min = 0}},
      {"lr_decay_iters",
       &lr_decay_iters,
       "iteration at which the cosine reaches min_lr (null: max_iters)",
       {.min = 0}},
      {"decay_lr", &decay_lr, "cosine decay with warm-up; false: learning_rate throughout"},
      {"weight_decay", &weight_decay, "AdamW's weight decay, on matrices only", {.min = 0}},
      {"beta1", &beta1, "AdamW's decay of the first moment", {.min = 0, .below = 1}},
      {"beta2", &beta2, "AdamW's decay of the second moment", {.min = 0, .below = 1}},
      {"eps", &eps, "AdamW's epsilon", {.above = 0}},
      {"grad_clip", &grad_clip, "largest norm of the gradient; 0: no clipping", {.min = 0}},
      {"skip_grad_norm_above",
       &skip_grad_norm_above,
       "a step whose gradient has a larger norm than this, before clipping, is skipped; 0: none is",
       {.min = 0}},
      {"max_skipped_steps",
       &max_skipped_steps,
       "training ends after so many skipped steps in a row (loss or gradient not finite, or above "
       "skip_grad_norm_above); float16 skips some while it looks for its loss scale",
       {.min = 1}},
      {"dtype",
       &dtype,
       "auto (float32 on CPUs, float16 on GPUs below sm_80, else bfloat16), float32, bfloat16 or "
       "float16",
       {.choices = {"auto", "float32", "bfloat16", "float16"}}},
      {"tf32", &tf32,
       "float32 training steps on a GPU multiply in TF32; evaluation and decoding never do"},
      {"measure_products", &measure_products,
       "a GPU's matrix products take the fastest algorithm as measured when training meets their "
       "shape; false: cuBLASLt's first choice, the same each time"},
      {"cuda_graphs", &cuda_graphs,
       "on a GPU, micro-batches of sizes that were seen before are started as a whole"},
  };
}

}  // namespace precis
