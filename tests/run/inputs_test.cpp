// What a run reads: a vocabulary made or given, weights of its own folder or from elsewhere, and
// what is wrong with them.
#include "lib/run/inputs.h"

#include <gtest/gtest.h>

#include "lib/base/files.h"
#include "lib/formats/pt_file.h"
#include "lib/text/bpe_trainer.h"
#include "tests/support/small_run.h"

namespace precis {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::string config_error_of(SmallRun& run) {
  try {
    run.read();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "(no error)";
}

std::string log_of(const SmallRun& run) {
  return read_file(run.folder / "log.txt");
}

TEST(ReadInputs, MakesAVocabularyOfTheTrainingRows) {
  SmallRun run(Settings{{"tokenizer.train_vocab_size", "259"}});
  const RunInputs read = run.read();
  EXPECT_EQ(read.inputs.tokenizer->vocab_size(), 259);
  EXPECT_EQ(read.inputs.tokenizer->encode("aaaa").size(), 2u) << "learnt from the summaries";
  EXPECT_EQ(read.inputs.shape->vocab_size, 259);
  EXPECT_EQ(read.inputs.shape->block_size, 32);
  EXPECT_EQ(read.inputs.split.train.size(), 3u);
  EXPECT_EQ(read.inputs.test.size(), 3u);
  EXPECT_FALSE(read.inputs.resumed);
  EXPECT_EQ(read.model.where, "scratch");
  EXPECT_EQ(read.model.tokenizer, read.inputs.tokenizer->texts());
  EXPECT_TRUE(at::equal(read.model.flat, run.read().model.flat)) << "the seed's";
  EXPECT_FALSE(fs::exists(run.folder / "out")) << "reading writes nothing";
}

TEST(ReadInputs, TakesAVocabularyFromAFolder) {
  SmallRun run;
  const std::vector<std::string> texts{"hello hello"};
  const BpeTokenizer made = train_bpe(texts, 260);
  made.save(run.folder / "vocabulary");
  run.load({{"tokenizer.train_vocab_size", "0"},
            {"tokenizer.dir", (run.folder / "vocabulary").string()}});
  const RunInputs read = run.read();
  EXPECT_EQ(read.inputs.tokenizer->texts(), made.texts());
  EXPECT_EQ(read.inputs.shape->vocab_size, 260);

  run.load({{"tokenizer.train_vocab_size", "0"}});
  expect_words(config_error_of(run), {"tokenizer.dir", "tokenizer.train_vocab_size"});
}

TEST(ReadInputs, GoesOnFromTheRunsOwnFolder) {
  SmallRun run;
  ModelFile model = run.read().model;
  model.flat.fill_(0.5);
  put_checkpoint(run, "last.pt", model, 4);
  const RunInputs read = run.read();
  EXPECT_TRUE(read.inputs.resumed);
  EXPECT_EQ(read.inputs.iter, 4);
  EXPECT_EQ(read.model.progress.iter, 4);
  EXPECT_TRUE(read.model.optimizer);
  EXPECT_TRUE(at::equal(read.model.flat, model.flat));

  run.load({{"run.resume", "never"}});
  expect_words(config_error_of(run), {"run.resume is never", (run.folder / "out").string()});
  fs::remove(run.out("last.pt"));
  EXPECT_FALSE(run.read().inputs.resumed);
}

TEST(ReadInputs, TakesTheOneFurtherAlongOfTwo) {
  SmallRun run;
  const ModelFile model = run.read().model;
  put_checkpoint(run, "named.pt", model, 4);
  const fs::path named = run.folder / "named.pt";
  fs::rename(run.out("named.pt"), named);
  run.load({{"run.resume", named.string()}});
  EXPECT_EQ(run.read().inputs.iter, 4) << "the folder holds none";
  for (const auto& [own, taken] : {std::pair{3, 4}, {4, 4}, {6, 6}}) {
    put_checkpoint(run, "last.pt", model, own);
    const RunInputs read = run.read();
    EXPECT_EQ(read.inputs.iter, taken);
    EXPECT_EQ(fs::path(read.model.where).filename(), own > 4 ? "last.pt" : "named.pt");
    EXPECT_TRUE(read.inputs.resumed);
  }
  run.load({{"run.resume", (run.folder / "none.pt").string()}});
  expect_words(error_of([&] { run.read(); }), {"none.pt", "run.resume"});
}

TEST(ReadInputs, PassesOverADamagedCheckpointWithOneWarning) {
  SmallRun run;
  const ModelFile model = run.read().model;
  put_checkpoint(run, "last.pt", model, 6);
  put_checkpoint(run, "iter-000004.pt", model, 4);
  put_checkpoint(run, "ckpt.pt", model, 2);
  const std::string bytes = read_file(run.out("last.pt"));
  write_file(run.out("last.pt"), bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(run.read().inputs.iter, 4);
  EXPECT_EQ(count_of(log_of(run), "warning: "), 1u) << log_of(run);
  expect_words(log_of(run),
               {"damaged: ", "last.pt", "going on from iter-000004.pt at iteration 4 instead"});

  for (const char* name : {"iter-000004.pt", "ckpt.pt"}) write_file(run.out(name), "no checkpoint");
  expect_words(error_of([&] { run.read(); }),
               {"last.pt", "iter-000004.pt", "ckpt.pt", "run.resume"});
}

TEST(ReadInputs, NamesEverySizeThatTheWeightsContradict) {
  SmallRun run;
  put_checkpoint(run, "last.pt", run.read().model, 4);
  EXPECT_EQ(config_error_of(run), "(no error)");
  run.load({{"model.n_layer", "2"},
            {"model.n_head", "4"},
            {"model.n_embd", "16"},
            {"model.bias", "false"},
            {"data.block_size", "64"}});
  const std::string error = config_error_of(run);
  expect_words(error, {"model.n_layer is 2", "model.n_head is 4", "model.n_embd is 16",
                       "model.bias is false", "data.block_size is 64", "last.pt has 32"});
  EXPECT_EQ(count_of(error, ", but "), 5u) << error;
}

TEST(ReadInputs, CropsAModelToFewerPositions) {
  SmallRun run;
  const ModelFile model = run.read().model;
  put_checkpoint(run, "last.pt", model, 4);
  run.load({{"data.block_size", "16"}});
  const RunInputs read = run.read();
  EXPECT_EQ(read.inputs.shape->block_size, 16);
  EXPECT_EQ(read.model.shape->block_size, 16);
  EXPECT_EQ(read.model.flat.numel(), model.flat.numel() - 16 * 8);
  ASSERT_TRUE(read.model.optimizer);
  EXPECT_EQ(read.model.optimizer->exp_avg.numel(), read.model.flat.numel());
}

TEST(ReadInputs, StartsANewTrainingWithAnotherRunsWeights) {
  SmallRun run;
  ModelFile model = run.read().model;
  model.flat.fill_(0.25);
  put_checkpoint(run, "other.pt", model, 4);
  run.load({{"model.init_from", run.out("other.pt").string()},
            {"run.out_dir", (run.folder / "second").string()},
            {"tokenizer.train_vocab_size", "0"}});
  const RunInputs read = run.read();
  EXPECT_TRUE(at::equal(read.model.flat, model.flat));
  EXPECT_FALSE(read.inputs.resumed);
  EXPECT_EQ(read.inputs.iter, 0);
  EXPECT_FALSE(read.model.optimizer);
}

TEST(ReadInputs, EvaluatesTheBestAndNothingWithoutWeights) {
  SmallRun run;
  const ModelFile model = run.read().model;
  run.load({{"run.stages", "evaluate"}});
  expect_words(error_of([&] { run.read(); }),
               {(run.folder / "out").string(), "ckpt.pt", "model.init_from"});
  put_checkpoint(run, "last.pt", model, 4);
  EXPECT_EQ(run.read().inputs.iter, 4);
  put_checkpoint(run, "ckpt.pt", model, 2);
  EXPECT_EQ(run.read().inputs.iter, 2);
  EXPECT_FALSE(run.read().inputs.resumed);
}

TEST(ReadInputs, WhatACheckpointFreezesStaysAsItIs) {
  SmallRun run(Settings{{"train.max_iters", "6"}});
  ModelFile model = run.read().model;
  model.frozen = {"transformer.wpe.weight"};
  put_checkpoint(run, "last.pt", model, 4);
  RunInputs read = run.read();
  EXPECT_EQ(read.model.frozen, model.frozen);
  const ParameterTable table = read.model.table();
  EXPECT_EQ(table.trainable_numel(), table.numel() - 32 * 8);
  const DeviceSetup setup = on_cpu();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, true);
  const at::Tensor before = model.flat.clone();
  EXPECT_TRUE(train_stage({*run.config, setup, the_world(), coordinator}, read.inputs,
                          std::move(read.model)));
  const ModelFile after = run.checkpoint("last.pt");
  EXPECT_EQ(after.progress.iter, 6);
  EXPECT_EQ(after.frozen, model.frozen);
  for (const ParameterSlot& slot : table.slots())
    EXPECT_EQ(at::equal(table.view(before, slot), table.view(after.flat, slot)), !slot.trainable)
        << slot.name;
}

}  // namespace
}  // namespace precis
