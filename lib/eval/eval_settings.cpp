#include "lib/eval/eval_settings.h"

namespace precis {

Fields EvalSettings::fields() {
  return {
      {"interval",
       &interval,
       "an evaluation before the first iteration, after each interval-th and after the last",
       {.min = 1}},
      {"max_loss_examples",
       &max_loss_examples,
       "validation rows for the loss of those evaluations; 0: all",
       {.min = 0}},
      {"rouge_examples",
       &rouge_examples,
       "validation rows summarised in those evaluations; 0: none",
       {.min = 0}},
      {"max_examples", &max_examples, "validation rows of the evaluate stage; 0: all", {.min = 0}},
      {"samples", &samples, "summaries printed beside their references", {.min = 0}},
      {"early_stopping_patience",
       &early_stopping_patience,
       "end after so many evaluations without a better metric; 0: never",
       {.min = 0}},
      {"metric",
       &metric,
       "what makes a checkpoint the best",
       {.choices = {"val_loss", "rouge1", "rouge2", "rougeL"}}},
  };
}

}  // namespace precis
