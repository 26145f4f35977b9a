#include "lib/checkpoint/progress.h"

namespace precis {

Fields Progress::fields() {
  return {
      {"iter", &iter, "optimizer steps done"},
      {"best_val_loss", &best_val_loss, "validation loss of ckpt.pt"},
      {"best_metric", &best_metric, "eval.metric of ckpt.pt, larger is better"},
      {"best_iter", &best_iter, "steps done at ckpt.pt"},
      {"stale_evaluations", &stale_evaluations, "evaluations since the metric last became better"},
      {"evaluated_iter", &evaluated_iter, "steps done at the last evaluation"},
      {"loss_scale", &loss_scale, "of float16"},
      {"good_steps", &good_steps, "since the loss scale last changed"},
      {"skipped_steps", &skipped_steps, "in a row"},
      {"micro_batch_tokens", &micro_batch_tokens, "in use"},
      {"micro_batch_device", &micro_batch_device, "that they were planned for"},
      {"optimizer_steps", &optimizer_steps, "AdamW's count"},
      {"finished", &finished, "training is done"},
  };
}

}  // namespace precis
