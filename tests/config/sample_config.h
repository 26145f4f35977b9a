// A small config with a field of every type, for the tests of lib/config.
#pragma once

#include "lib/base/fields.h"

namespace precis {

struct SampleTrain {
  int64_t max_iters = 500;
  double learning_rate = 6e-5;
  std::string dtype = "auto";
  bool decay_lr = true;
  Fields fields() {
    return {{"max_iters", &max_iters, "optimizer steps", {.min = 0}},
            {"learning_rate", &learning_rate, "the highest learning rate", {.above = 0}},
            {"dtype",
             &dtype,
             "of the matrix products",
             {.choices = {"auto", "float32", "bfloat16", "float16"}}},
            {"decay_lr", &decay_lr, "whether the learning rate falls"}};
  }
};

struct SampleModel {
  double dropout = 0.1;
  std::optional<bool> bias;
  std::optional<int64_t> n_layer;
  std::optional<double> scale;
  Path init_from = {"gpt2"};
  Fields fields() {
    return {
        {"dropout", &dropout, "share of activations set to zero", {.min = 0, .below = 1}},
        {"bias", &bias, "whether linear layers add a bias; null: as init_from says"},
        {"n_layer", &n_layer, "blocks", {.min = 1}},
        {"scale", &scale, "a scale"},
        {"init_from", &init_from, "where the weights come from", {.choices = {"scratch", "gpt2"}}}};
  }
};

struct SampleRun {
  Path out_dir = {"out"};
  Path test_csv;
  std::vector<std::string> stages = {"train", "evaluate", "predict"};
  std::string marker = "summary:";
  int64_t seed = 1;
  Fields fields() {
    return {{"out_dir", &out_dir, "the run folder"},
            {"test_csv", &test_csv, "rows to predict"},
            {"stages",
             &stages,
             "what to do | in this order",
             {.choices = {"train", "evaluate", "predict"}}},
            {"marker", &marker, "text before the summary"},
            {"seed", &seed, "of all that is random"}};
  }
};

struct SampleConfig {
  SampleRun run;
  SampleModel model;
  SampleTrain train;
  Sections sections() {
    return {{"run", run.fields()}, {"model", model.fields()}, {"train", train.fields()}};
  }
};

}  // namespace precis
