// Checkpoints: what goes out comes back bit for bit, nanoGPT's forms are read, and what does not
// hold together is refused before anything is made of it.
#include "lib/checkpoint/model_file.h"

#include <ATen/ATen.h>

#include "lib/base/random.h"
#include "lib/tensor/arrays.h"
#include "tests/formats/made_files.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using testing::array_of;
using testing::error_of;
using testing::expect_words;
using testing::gpt2;
using testing::TemporaryFolder;

at::Tensor random_flat(int64_t numel, RandomStream& random) {
  at::Tensor flat = at::empty({numel}, at::kFloat);
  for (int64_t i = 0; i < flat.numel(); ++i)
    flat.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return flat;
}

/// A model of random sizes and settings after some steps.
ModelFile random_model(RandomStream& random) {
  const auto between = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random.below(static_cast<uint64_t>(high - low + 1)));
  };
  ModelFile model;
  Gpt2Shape shape;
  shape.n_layer = between(1, 3);
  shape.n_head = between(1, 3);
  shape.n_embd = shape.n_head * between(1, 9);
  shape.block_size = between(1, 20);
  shape.vocab_size = between(1, 40);
  shape.bias = between(0, 1) == 1;
  shape.gelu_tanh = between(0, 1) == 1;
  shape.dropout = 0.125 * static_cast<double>(between(0, 3));
  shape.layer_norm_epsilon = between(0, 1) == 1 ? 1e-5 : 1e-6;
  model.shape = shape.clone();
  if (between(0, 1) == 1) model.frozen = {"transformer.wpe.weight", "transformer.ln_f.weight"};
  const ParameterTable table = model.table();
  model.flat = random_flat(table.numel(), random);
  model.progress.iter = between(0, 1'000'000);
  model.progress.best_val_loss = random.normal();
  model.progress.loss_scale = 65536;
  model.progress.finished = between(0, 1) == 1;
  model.progress.optimizer_steps = between(0, 3);
  if (model.progress.optimizer_steps > 0)
    model.optimizer = OptimizerMoments{random_flat(table.trainable_numel(), random),
                                       random_flat(table.trainable_numel(), random).abs()};
  if (between(0, 1) == 1) model.end_tokens = {0, static_cast<int32_t>(shape.vocab_size - 1)};
  if (shape.vocab_size == 1) model.end_tokens.clear();
  if (between(0, 1) == 1) {
    model.tokenizer = VocabularyTexts{"{\"\u00e9\": 0}", "#version: 0.2\na b", ""};
    if (between(0, 1) == 1) model.tokenizer->added_tokens = "[{\"id\": 3, \"content\": \"<pad>\"}]";
  }
  model.prompt = PromptConfig{};
  model.prompt->dialogue_start = "A \"dialogue\":\n\t\u65e5";
  model.generation = GenerationConfig{};
  model.generation->num_beams = between(1, 8);
  model.generation->length_penalty = random.normal();
  return model;
}

Value value_of(const ModelFile& model) {
  return checkpoint_value(model, TrainConfig{}, 1e-3, "train:\n  max_iters: 3\n");
}

TEST(ModelFile, ComesBackBitForBit) {
  const TemporaryFolder folder;
  RandomStream random(17);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    const ModelFile model = random_model(random);
    write_pt(folder / "c.pt", value_of(model));
    const ModelFile back = read_checkpoint(folder / "c.pt");
    EXPECT_EQ(gpt2(back.shape), gpt2(model.shape));
    EXPECT_EQ(back.frozen, model.frozen);
    EXPECT_TRUE(back.flat.equal(model.flat));
    ASSERT_EQ(back.optimizer.has_value(), model.optimizer.has_value());
    if (model.optimizer) {
      EXPECT_TRUE(back.optimizer->exp_avg.equal(model.optimizer->exp_avg));
      EXPECT_TRUE(back.optimizer->exp_avg_sq.equal(model.optimizer->exp_avg_sq));
      EXPECT_EQ(back.progress.optimizer_steps, model.progress.optimizer_steps);
    }
    EXPECT_EQ(back.progress.iter, model.progress.iter);
    EXPECT_EQ(back.progress.best_val_loss, model.progress.best_val_loss);
    EXPECT_EQ(back.progress.loss_scale, model.progress.loss_scale);
    EXPECT_EQ(back.progress.finished, model.progress.finished);
    EXPECT_EQ(back.tokenizer, model.tokenizer);
    EXPECT_EQ(back.end_tokens, model.end_tokens);
    EXPECT_TRUE(back.warnings.empty() && back.generation_warnings.empty());
    EXPECT_EQ(back.prompt->dialogue_start, model.prompt->dialogue_start);
    EXPECT_EQ(back.generation->num_beams, model.generation->num_beams);
    EXPECT_EQ(back.generation->length_penalty, model.generation->length_penalty);
  }
}

/// A small checkpoint as nanoGPT writes it, to be changed and read.
class NanoGpt : public ::testing::Test {
 protected:
  NanoGpt() {
    RandomStream random(3);
    Gpt2Shape shape;
    shape.n_layer = shape.n_head = 2;
    shape.n_embd = 4;
    shape.block_size = 3;
    shape.vocab_size = 5;
    model.shape = shape.clone();
    model.flat = random_flat(model.table().numel(), random);
    model.progress.iter = 7;
    model.progress.optimizer_steps = 7;
    model.progress.best_val_loss = 2.5;
    model.optimizer = OptimizerMoments{random_flat(model.table().numel(), random),
                                       random_flat(model.table().numel(), random)};
    value = value_of(model);
    auto& items = value.get_if<Value::Dict>()->items;
    std::erase_if(items, [](const DictItem& item) { return item.key == Value::Key("precis"); });
  }

  Value& entry(const char* key) { return const_cast<Value&>(*value.find(key)); }
  void set(const char* dict, const char* key, Value content) {
    entry(dict).set(std::string(key), std::move(content));
  }
  /// The state dict under other names.
  void rename(const std::function<std::string(const std::string&)>& to) {
    for (DictItem& item : entry("model").get_if<Value::Dict>()->items)
      item.key = to(std::get<std::string>(item.key));
  }
  ModelFile read() {
    write_pt(folder / "c.pt", value);
    return read_checkpoint(folder / "c.pt");
  }
  std::string error() {
    return error_of([&] { read(); });
  }

  TemporaryFolder folder;
  ModelFile model;
  Value value;
};

TEST_F(NanoGpt, IsRead) {
  const ModelFile found = read();
  EXPECT_TRUE(found.flat.equal(model.flat));
  EXPECT_TRUE(found.optimizer->exp_avg_sq.equal(model.optimizer->exp_avg_sq));
  EXPECT_EQ(found.progress.iter, 7);
  EXPECT_EQ(found.progress.optimizer_steps, 7);
  EXPECT_EQ(found.progress.best_val_loss, 2.5);
  EXPECT_EQ(found.progress.best_metric, -2.5);
  EXPECT_FALSE(gpt2(found.shape).gelu_tanh) << "nanoGPT's GELU is the exact one";
  EXPECT_FALSE(found.tokenizer || found.prompt || found.generation);
}

TEST_F(NanoGpt, IsReadAsWrappersLeaveIt) {
  for (const char* prefix : {"_orig_mod.", "module.", "_orig_mod.module.", "module._orig_mod.",
                             "module.module._orig_mod."}) {
    SCOPED_TRACE(prefix);
    const Value before = value;
    rename([&](const std::string& name) { return prefix + name; });
    const ModelFile found = read();
    EXPECT_TRUE(found.flat.equal(model.flat));
    EXPECT_TRUE(found.optimizer.has_value());
    value = before;
  }
  set("model", "module.transformer.ln_f.weight", *entry("model").find("transformer.ln_f.weight"));
  expect_words(error(), {"c.pt", "module.transformer.ln_f.weight is there twice",
                         "also as transformer.ln_f.weight"});
}

TEST_F(NanoGpt, MayHoldTheTiedMatrixAsTheHeadAlone) {
  std::erase_if(entry("model").get_if<Value::Dict>()->items, [](const DictItem& item) {
    return item.key == Value::Key(std::string(kGpt2Embedding));
  });
  const ModelFile found = read();
  EXPECT_TRUE(found.flat.equal(model.flat));
  EXPECT_TRUE(found.warnings.empty());
}

TEST_F(NanoGpt, LeavesHeadsBesideTheModelOut) {
  const auto head = array_of<float>(ElementType::kFloat32, {1, 4}, {1, 2, 3, 4});
  set("model", "v_head.summary.weight", head);
  const ModelFile found = read();
  EXPECT_TRUE(found.flat.equal(model.flat));
  ASSERT_EQ(found.warnings.size(), 1U);
  expect_words(found.warnings[0], {"c.pt", "left out", "v_head.summary.weight"});
  EXPECT_FALSE(found.optimizer) << "it numbers the head, too";
  set("model", "transformer.v_head.weight", head);
  expect_words(error(), {"transformer.v_head.weight is none of this model's"});
}

TEST_F(NanoGpt, IsNamedWhereItIsABareStateDict) {
  value = entry("model");
  expect_words(error(), {"c.pt", "state dict alone", "model_args", "config.json"});
  value = Value::dict();
  value.set("epoch", 3);
  expect_words(error(), {"c.pt", "no entry 'model_args'"});
}

TEST_F(NanoGpt, LeavesOutCausalMasksAndNumbersInTensors) {
  set("model", "transformer.h.0.attn.bias", array_of<float>(ElementType::kFloat32, {1}, {1}));
  value.set("best_val_loss", array_of<float>(ElementType::kFloat32, {}, {1.25F}));
  set("model_args", "n_layer", 2.0);
  const ModelFile found = read();
  EXPECT_TRUE(found.flat.equal(model.flat));
  EXPECT_EQ(found.progress.best_val_loss, 1.25);
}

TEST_F(NanoGpt, NeedsNoOptimizer) {
  value.set("optimizer", Value::dict());
  EXPECT_FALSE(read().optimizer);
  EXPECT_EQ(read().progress.optimizer_steps, 7);
}

TEST_F(NanoGpt, SizesThatTheTensorsDoNotHaveAreRefusedBeforeAnythingIsMade) {
  const int64_t huge = int64_t{1} << 30;
  const auto with = [&](const char* key, Value content) {
    const Value before = *entry("model_args").find(key);
    set("model_args", key, std::move(content));
    const std::string said = error();
    set("model_args", key, before);
    return said;
  };
  expect_words(with("block_size", huge),
               {"c.pt", "transformer.wpe.weight", "(3, 4)", "1073741824"});
  expect_words(with("vocab_size", huge), {"transformer.wte.weight", "(5, 4)", "(1073741824, 4)"});
  expect_words(with("n_embd", int64_t{1} << 20), {"has shape", "1048576"});
  expect_words(with("n_embd", int64_t{1} << 40), {"n_embd is 1099511627776, expected 1 to"});
  expect_words(with("n_layer", 10'000), {"n_layer is 10000", "tensors"});
  expect_words(with("n_layer", 3), {"transformer.h.2", "is missing"});
  expect_words(with("n_layer", 1), {"transformer.h.1", "none of this model's"});
  expect_words(with("n_head", 3), {"n_embd 4", "n_head 3"});
  expect_words(with("n_head", 0), {"n_head is 0"});
  expect_words(with("vocab_size", "many"), {"vocab_size is a text", "integer"});
  expect_words(with("bias", false), {"bias", "none of this model's"});
}

TEST_F(NanoGpt, TensorsThatDoNotFitAreRefusedByName) {
  const std::string name = "transformer.ln_f.weight";
  set("model", name.c_str(), array_of<float>(ElementType::kFloat32, {2, 2}, {1, 2, 3, 4}));
  expect_words(error(), {"c.pt", name, "(2, 2)", "expected (4)"});
  set("model", name.c_str(), array_of<int32_t>(ElementType::kInt32, {4}, {1, 2, 3, 4}));
  expect_words(error(), {name, "int32", "floating-point"});
  set("model", name.c_str(), "text");
  expect_words(error(), {name, "a text", "tensor"});
  rename([&](const std::string& n) { return n == name ? n + "\x1b[2J" : n; });
  expect_words(error(), {"ln_f.weight?[2J", "a text"});
}

TEST_F(NanoGpt, AnUntiedHeadIsRefused) {
  set("model", "lm_head.weight",
      array_of<float>(ElementType::kFloat32, {5, 4}, std::vector<float>(20, 0.5F)));
  expect_words(error(), {"lm_head.weight", "transformer.wte.weight", "tied"});
}

TEST_F(NanoGpt, TensorsInOneMemoryAreRefused) {
  // A file of one block's memory could claim thousands of blocks.
  RandomStream random(4);
  gpt2(model.shape).n_embd = 64;
  model.flat = random_flat(model.table().numel(), random);
  model.optimizer.reset();
  model.progress.optimizer_steps = 0;
  value = value_of(model);
  set("model_args", "n_layer", 200);
  for (int i = 0; i < 200; ++i)
    for (const char* part :
         {"ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"})
      for (const char* kind : {"weight", "bias"})
        set("model", ("transformer.h." + std::to_string(i) + "." + part + "." + kind).c_str(),
            *entry("model").find(std::string("transformer.h.0.") + part + "." + kind));
  expect_words(error(), {"share their memory"});
}

TEST_F(NanoGpt, AnOptimizerThatDoesNotFitIsRefused) {
  auto& state = const_cast<Value&>(*entry("optimizer").find("state"));
  auto& first = const_cast<Value&>(*state.find(int64_t{0}));
  const Value step = *first.find("step");
  for (const double wrong : {-1.0, 1e300, std::nan("")}) {
    first.set(std::string("step"), wrong);
    expect_words(error(), {"step of parameter 0", "no count"});
  }
  first.set(std::string("step"), step);
  first.set(std::string("exp_avg"), array_of<float>(ElementType::kFloat32, {1}, {0}));
  expect_words(error(), {"exp_avg of parameter 0", "(1)", "expected (5, 4)"});
  std::erase_if(state.get_if<Value::Dict>()->items,
                [](const DictItem& item) { return item.key == Value::Key(int64_t{0}); });
  expect_words(error(), {"no state of parameter 0", "wte"});
}

TEST_F(NanoGpt, WhatIsMissingIsNamed) {
  const Value whole = value;
  value.set("iter_num", -1);
  expect_words(error(), {"c.pt", "iter_num"});
  for (const char* key : {"iter_num", "model", "model_args"}) {
    value = whole;
    std::erase_if(value.get_if<Value::Dict>()->items,
                  [&](const DictItem& item) { return item.key == Value::Key(std::string(key)); });
    expect_words(error(), {"c.pt", key, "nanoGPT"});
  }
}

TEST_F(NanoGpt, EndTokensOfOursAreChecked) {
  Value own = Value::dict();
  own.set("end_tokens", Value::List{{2, 4, 2, 5, -1}});
  value.set("precis", own);
  const ModelFile found = read();
  EXPECT_EQ(found.end_tokens, (EndTokens{2, 4}));
  ASSERT_EQ(found.generation_warnings.size(), 2U);
  expect_words(found.generation_warnings[0], {"c.pt: precis.end_tokens: 5", "5; passed over"});
  own.set("end_tokens", Value::List{{"Z"}});
  value.set("precis", own);
  expect_words(error(), {"c.pt: precis.end_tokens", "got Z"});
}

TEST_F(NanoGpt, DamagedSettingsOfOursAreTheFilesFault) {
  Value own = Value::dict();
  own.set("settings", "generation:\n  num_beams: many\n");
  value.set("precis", own);
  expect_words(error(), {"c.pt: precis.settings", "num_beams"});
}

}  // namespace
}  // namespace precis
