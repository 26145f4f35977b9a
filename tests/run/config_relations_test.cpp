// Every relation between keys is broken once, and what is near it and allowed is tried as well.
#include "lib/run/config_relations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/config/describe.h"

namespace precis {
namespace {

using Texts = std::vector<std::string>;

/// A run of all stages that nothing is said against, with "key=value" over it.
std::vector<Override> overrides(const Texts& changes) {
  std::vector<Override> all = {{"data.train_csv", "train.csv"}, {"data.test_csv", "test.csv"}};
  for (const std::string& change : changes) {
    const size_t equals = change.find('=');
    all.push_back({change.substr(0, equals), change.substr(equals + 1)});
  }
  return all;
}

struct Outcome {
  std::string error;
  Texts warnings;
};

Outcome outcome_of(const Texts& changes) {
  RunConfig config;
  try {
    config.load(std::nullopt, overrides(changes));
  } catch (const ConfigError& error) {
    return {error.what(), {}};
  }
  return {"", config.warnings};
}

void expect_words(const std::string& text, const Texts& words) {
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << word << "\nis not in\n" << text;
}

struct Broken {
  std::string keys;  // of the relation
  Texts changes, words;
};

const std::vector<Broken>& broken_cases() {
  static const std::vector<Broken> cases = {
      {"run.stages", {"run.stages=[]"}, {"run.stages is empty"}},
      {"run.stages", {"run.stages=train,predict,train"}, {"run.stages names train twice"}},
      {"run.stages data.train_csv",
       {"data.train_csv=null", "data.validation_csv=v.csv"},
       {"data.train_csv", "train"}},
      {"run.stages data.train_csv data.validation_csv",
       {"data.train_csv=null", "run.stages=evaluate"},
       {"data.validation_csv", "data.train_csv", "evaluate"}},
      {"run.stages data.test_csv",
       {"data.test_csv=null", "run.stages=predict"},
       {"data.test_csv", "predict"}},
      {"run.device comm.backend",
       {"run.device=cpu", "comm.backend=nccl"},
       {"run.device is cpu", "comm.backend is nccl"}},
      {"run.out_dir data.* model.init_from",
       {"run.out_dir=o", "data.test_csv=./o/../o/submission.csv"},
       {"data.test_csv", "submission.csv", "run.out_dir"}},
      {"run.out_dir data.* model.init_from",
       {"run.out_dir=o", "data.train_csv=o/evaluation.csv"},
       {"data.train_csv", "evaluation.csv", "run.out_dir"}},
      {"run.out_dir data.* model.init_from",
       {"run.out_dir=o", "model.init_from=o/ckpt.pt"},
       {"model.init_from", "ckpt.pt", "run.out_dir", "run.resume"}},
      {"data.dialogue_column data.summary_column",
       {"data.dialogue_column=text", "data.summary_column=text"},
       {"data.dialogue_column", "data.summary_column", "text"}},
      {"data.train_csv data.validation_csv",
       {"data.validation_csv=./train.csv"},
       {"data.validation_csv is data.train_csv"}},
      {"prompt.dialogue_start prompt.summary_start",
       {"prompt.dialogue_start=", "prompt.summary_start="},
       {"prompt.dialogue_start and prompt.summary_start are both empty"}},
      {"prompt.summary_start", {"prompt.summary_start="}, {"prompt.summary_start is empty"}},
      {"tokenizer.train_vocab_size tokenizer.dir model.init_from",
       {"tokenizer.train_vocab_size=1000", "tokenizer.dir=vocabulary"},
       {"tokenizer.train_vocab_size 1000", "tokenizer.dir vocabulary"}},
      {"tokenizer.train_vocab_size tokenizer.dir model.init_from",
       {"tokenizer.train_vocab_size=1000", "model.init_from=gpt2"},
       {"tokenizer.train_vocab_size 1000", "model.init_from gpt2"}},
      {"tokenizer.train_vocab_size tokenizer.dir model.init_from",
       {"tokenizer.train_vocab_size=256"},
       {"tokenizer.train_vocab_size 256", "257"}},
      {"model.*", {"model.n_embd=100"}, {"model.n_embd 100", "model.n_head 12"}},
      {"train.lr_decay_iters train.warmup_iters",
       {"train.lr_decay_iters=5", "train.warmup_iters=10"},
       {"train.lr_decay_iters 5", "train.warmup_iters 10"}},
      {"train.min_lr train.learning_rate",
       {"train.learning_rate=1e-6"},
       {"train.min_lr 6.0e-06 (its default)", "train.learning_rate 1.0e-06", "to 1e-07"}},
      {"train.min_lr train.learning_rate",
       {"train.min_lr=1"},
       {"train.min_lr 1.0 is above train.learning_rate 6.0e-05 (its default)"}},
      {"train.warmup_iters train.max_iters",
       {"train.warmup_iters=50", "train.max_iters=50", "train.lr_decay_iters=100"},
       {"train.warmup_iters 50", "train.max_iters 50"}},
      {"train.lr_decay_iters train.max_iters",
       {"train.lr_decay_iters=500", "train.max_iters=50"},
       {"train.lr_decay_iters 500", "train.max_iters 50", "train.min_lr 6.0e-06"}},
      {"eval.metric eval.rouge_examples",
       {"eval.metric=rouge1", "eval.rouge_examples=0"},
       {"eval.metric is rouge1", "eval.rouge_examples is 0"}},
      {"eval.early_stopping_patience eval.interval train.max_iters",
       {"eval.early_stopping_patience=3", "eval.interval=100", "train.max_iters=300"},
       {"eval.early_stopping_patience 3", "2 evaluations after the first"}},
      {"eval.samples eval.rouge_examples",
       {"eval.samples=5", "eval.rouge_examples=4"},
       {"eval.samples 5", "eval.rouge_examples 4"}},
      {"generation.max_new_tokens data.block_size",
       {"generation.max_new_tokens=1024"},
       {"generation.max_new_tokens 1024", "data.block_size 1024 (its default)"}},
      {"generation.*",
       {"generation.temperature=1", "generation.num_beams=4"},
       {"generation.num_beams", "generation.temperature"}},
      {"generation.*",
       {"generation.max_new_tokens=5", "generation.min_new_tokens=6"},
       {"generation.min_new_tokens", "generation.max_new_tokens"}},
  };
  return cases;
}

TEST(ConfigRelations, EachIsToldAloneAndByItsKeys) {
  for (const Broken& broken : broken_cases()) {
    const auto relation =
        std::ranges::find_if(relations(), [&](const Relation& r) { return r.keys == broken.keys; });
    ASSERT_NE(relation, relations().end()) << broken.keys;
    const Outcome outcome = outcome_of(broken.changes);
    if (relation->is_error) {
      expect_words(outcome.error, broken.words);
      EXPECT_EQ(outcome.error.find('\n'), std::string::npos) << outcome.error;
    } else {
      EXPECT_EQ(outcome.error, "");
      ASSERT_EQ(outcome.warnings.size(), 1u) << broken.keys;
      expect_words(outcome.warnings[0], broken.words);
    }
  }
}

TEST(ConfigRelations, NoneIsLeftOutAbove) {
  std::set<std::string_view> tried, there;
  for (const Broken& broken : broken_cases()) tried.insert(broken.keys);
  for (const Relation& relation : relations())
    EXPECT_TRUE(there.insert(relation.keys).second) << relation.keys << " stands there twice";
  EXPECT_EQ(tried, there);
}

TEST(ConfigRelations, AllThatIsWrongIsToldAtOnce) {
  const std::string error =
      outcome_of({"train.min_lr=1", "eval.metric=rouge1", "eval.rouge_examples=0"}).error;
  expect_words(error, {"train.min_lr", "\n", "eval.metric"});
}

TEST(ConfigRelations, WhatCanBeMeantIsFine) {
  const std::vector<Texts> fine = {
      {},
      {"train.min_lr=6e-5"},                                 // the rate stays where it is
      {"train.learning_rate=1e-6", "train.decay_lr=false"},  // min_lr is not used
      {"train.learning_rate=1e-6", "run.stages=predict"},    // nor is the rate
      {"train.warmup_iters=50", "train.max_iters=51"},       //
      {"train.max_iters=0", "train.warmup_iters=1"},         // an evaluation of what is there
      {"train.lr_decay_iters=20", "train.max_iters=50"},     // min_lr from there on
      {"eval.interval=1000", "checkpoint.interval=1000"},    // once at the end
      {"eval.early_stopping_patience=2", "eval.interval=100", "train.max_iters=300"},
      {"eval.rouge_examples=0", "eval.samples=5"},
      {"eval.metric=rouge1", "eval.rouge_examples=0", "run.stages=evaluate"},
      {"tokenizer.train_vocab_size=257"},
      {"tokenizer.train_vocab_size=1000", "tokenizer.dir=v", "run.stages=predict"},
      {"model.init_from=gpt2", "tokenizer.dir=v"},
      {"model.init_from=o/ckpt.pt", "run.out_dir=o", "run.stages=predict"},
      {"model.init_from=o/ckpt.pt", "run.out_dir=p"},
      {"run.resume=o/ckpt.pt", "run.out_dir=o"},  // nanoGPT's, to go on with
      {"data.test_csv=o/evaluation.csv", "run.out_dir=o", "run.stages=predict"},
      {"run.stages=predict,train"},  // as it was before
      {"run.device=cpu", "comm.backend=mpi", "train.dtype=float16"},
      {"data.id_column=dialogue"},  // rows without an id
      {"generation.temperature=1", "generation.top_k=20", "generation.seed=3"},
      {"generation.num_beams=4", "generation.length_penalty=2", "generation.early_stopping=true"},
      {"prompt.dialogue_start="},
      {"train.micro_batch_tokens=1000000000"},
  };
  for (const Texts& changes : fine) {
    const Outcome outcome = outcome_of(changes);
    EXPECT_EQ(outcome.error, "");
    EXPECT_TRUE(outcome.warnings.empty()) << outcome.warnings.front();
  }
}

TEST(IdleKeys, AreTold) {
  const std::vector<std::pair<Texts, std::string>> cases = {
      {{"train.decay_lr=false", "train.min_lr=1e-5", "train.warmup_iters=5"},
       "train.min_lr and train.warmup_iters have no effect: train.decay_lr is false"},
      {{"train.decay_lr=false", "train.lr_decay_iters=10"}, "train.lr_decay_iters has no effect"},
      {{"data.validation_csv=v.csv", "data.validation_fraction=0.1", "data.split_seed=1"},
       "data.validation_fraction and data.split_seed have no effect: data.validation_csv is set"},
      {{"run.stages=evaluate", "run.resume=never"}, "run.resume has no effect: train is not among"},
      {{"generation.top_k=20", "generation.top_p=0.9", "generation.seed=3"},
       "generation.top_k, generation.top_p and generation.seed have no effect: "
       "generation.temperature is 0"},
      {{"generation.length_penalty=2", "generation.early_stopping=true"},
       "generation.length_penalty and generation.early_stopping have no effect: "
       "generation.num_beams is 1"},
  };
  for (const auto& [changes, words] : cases) {
    const Outcome outcome = outcome_of(changes);
    EXPECT_EQ(outcome.error, "");
    ASSERT_EQ(outcome.warnings.size(), 1u) << words;
    expect_words(outcome.warnings[0], {words});
  }
}

TEST(ConfigRelations, TheConfigOfARunCanBeRunAgain) {
  // It names every key, defaults too: they are no wishes then.
  RunConfig first;
  first.load(std::nullopt, overrides({"data.validation_csv=v.csv", "train.decay_lr=false"}));
  const std::string file = ::testing::TempDir() + "precis_config_relations_test.yaml";
  write_file(file, dump_yaml(first.sections()));
  RunConfig again;
  EXPECT_NO_THROW(again.load(file, {}));
  EXPECT_TRUE(again.warnings.empty()) << again.warnings.front();
  std::filesystem::remove(file);
}

TEST(ConfigRelations, TheConfigsThatComeWithUsAreAboveDoubt) {
  for (const char* file :
       {"configs/quickstart.yaml", "configs/kaggle.yaml", "configs/cluster.yaml"}) {
    RunConfig config;
    EXPECT_NO_THROW(config.load(file, {})) << file;
    EXPECT_TRUE(config.warnings.empty()) << file << ": " << config.warnings.front();
  }
}

}  // namespace
}  // namespace precis
