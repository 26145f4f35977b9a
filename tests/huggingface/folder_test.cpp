// Hugging Face folders: transformers' files in each form, what goes out, and what is refused.
#include "lib/huggingface/folder.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>

#include <algorithm>

#include "lib/formats/json_value.h"
#include "lib/formats/safetensors.h"
#include "lib/huggingface/cache.h"
#include "lib/tensor/arrays.h"
#include "lib/text/bpe_tokenizer.h"
#include "tests/formats/made_files.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::expect_words;
using testing::gpt2;
using testing::TemporaryFolder;
using Tensors = std::vector<std::pair<std::string, ArrayView>>;

const fs::path kGolden = "tests/golden/formats_gpt2";

/// The vocabulary that goes along; its size is not that of the weights, which nobody here minds.
const BpeTokenizer& vocabulary() {
  static const BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_vocab");
  return tokenizer;
}

void expect_golden(const ImportedModel& model) {
  const Value golden = read_pt(kGolden / "nanogpt.pt");
  const auto& items = golden.get_if<Value::Dict>()->items;
  ASSERT_EQ(model.parameters.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const auto& [name, tensor] = model.parameters[i];
    EXPECT_EQ(name, std::get<std::string>(items[i].key)) << "in the order of nanoGPT's state dict";
    EXPECT_EQ(tensor.scalar_type(), at::kFloat);
    EXPECT_TRUE(tensor.equal(to_tensor(*items[i].value.get_if<ArrayView>()))) << name;
  }
}

TEST(HuggingFace, ReadsEveryFormOfTheFiles) {
  for (const char* form : {"whole", "shards", "bfloat16", "bin", "bin_shards"}) {
    SCOPED_TRACE(form);
    ASSERT_TRUE(is_hugging_face_folder(kGolden / form));
    const ImportedModel model = read_hugging_face(kGolden / form);
    EXPECT_EQ(gpt2(model.shape).n_layer, 2);
    EXPECT_EQ(gpt2(model.shape).n_head, 2);
    EXPECT_EQ(gpt2(model.shape).n_embd, 8);
    EXPECT_EQ(model.shape->block_size, 16);
    EXPECT_EQ(model.shape->vocab_size, 11);
    EXPECT_TRUE(gpt2(model.shape).gelu_tanh);
    EXPECT_TRUE(gpt2(model.shape).bias);
    EXPECT_EQ(model.shape->dropout, 0.1);
    expect_golden(model);
    EXPECT_EQ(model.config.find("eos_token_id")->integer(), 10);
    EXPECT_EQ(model.left_out, "");
    if (!std::string_view(form).starts_with("bin")) {
      EXPECT_EQ(model.generation.find("eos_token_id")->integer(), 10);
    }
  }
}

TEST(HuggingFace, ExportAndImportIsTheIdentity) {
  const TemporaryFolder folder;
  ImportedModel model = read_hugging_face(kGolden / "whole");
  gpt2(model.shape).gelu_tanh = false;
  write_hugging_face(folder / "out/",
                     {*model.shape, model.parameters, vocabulary(), Value::dict()});
  const ImportedModel again = read_hugging_face(folder / "out");
  EXPECT_EQ(gpt2(again.shape), gpt2(model.shape));
  expect_golden(again);
  EXPECT_EQ(read_file(folder / "out/vocab.json"), vocabulary().texts().vocab_json);
  EXPECT_EQ(read_file(folder / "out/merges.txt"), vocabulary().texts().merges_txt);
  const int64_t end = vocabulary().end_of_text();
  EXPECT_EQ(again.generation.find("eos_token_id")->integer(), end)
      << "the id in the vocabulary that goes along";
  const Value config = parse_json(read_file(folder / "out/config.json"), "config.json");
  EXPECT_EQ(*config.find("activation_function")->get_if<std::string>(), "gelu");
  EXPECT_EQ(config.find("bos_token_id")->integer(), end);
  EXPECT_EQ(read_file(folder / "out/tokenizer.json"), vocabulary().tokenizer_json());
}

TEST(HuggingFace, ExportsTheEndTokensThatAreGiven) {
  const TemporaryFolder folder;
  const ImportedModel model = read_hugging_face(kGolden / "whole");
  Value generation = Value::dict();
  generation.set("eos_token_id", Value::List{{int64_t{4}, int64_t{2}}});
  write_hugging_face(folder / "out", {*model.shape, model.parameters, vocabulary(), generation});
  const ImportedModel again = read_hugging_face(folder / "out");
  for (const Value* json : {&again.generation, &again.config}) {
    EXPECT_EQ(json->find("eos_token_id")->get_if<Value::List>()->items[1].integer(), 2);
    EXPECT_EQ(json->find("bos_token_id")->integer(), vocabulary().end_of_text());
  }
}

TEST(HuggingFace, GivesAModelWithoutBiasesZeros) {
  const TemporaryFolder folder;
  ImportedModel model = read_hugging_face(kGolden / "whole");
  std::erase_if(model.parameters, [](const auto& p) { return p.first.ends_with(".bias"); });
  EXPECT_NE(error_of([&] {
              write_hugging_face(folder / "a", {*model.shape, model.parameters, vocabulary()});
            }),
            "(no error)");
  EXPECT_TRUE(fs::is_empty(folder.path())) << "nothing is left of what failed";
  gpt2(model.shape).bias = false;
  write_hugging_face(folder / "a", {*model.shape, model.parameters, vocabulary()});
  const ImportedModel again = read_hugging_face(folder / "a");
  EXPECT_TRUE(gpt2(again.shape).bias);
  for (const auto& [name, tensor] : again.parameters) {
    if (!name.ends_with(".bias")) continue;
    EXPECT_EQ(tensor.abs().sum().item<float>(), 0) << name;
  }
}

TEST(HuggingFace, ReplacesNothingButAModel) {
  const TemporaryFolder folder;
  const ImportedModel model = read_hugging_face(kGolden / "whole");
  const ExportedModel exported{*model.shape, model.parameters, vocabulary()};
  write_hugging_face(folder / "out", exported);
  write_hugging_face(folder / "out", exported);
  expect_golden(read_hugging_face(folder / "out"));
  write_file(folder / "out/thesis.tex", "x");
  expect_words(error_of([&] { write_hugging_face(folder / "out", exported); }),
               {(folder / "out").string(), "thesis.tex"});
  EXPECT_EQ(read_file(folder / "out/thesis.tex"), "x");
  write_file(folder / "file", "x");
  expect_words(error_of([&] { write_hugging_face(folder / "file", exported); }),
               {(folder / "file").string(), "is a file"});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2)
      << "nothing is left beside";
}

/// What is said of the golden folder with its config.json changed.
std::string error_with_config(const std::function<void(Value&)>& change) {
  const TemporaryFolder folder;
  fs::copy(kGolden / "whole", folder / "m");
  Value config = parse_json(read_file(folder / "m/config.json"), "x");
  change(config);
  write_file(folder / "m/config.json", to_json(config));
  return error_of([&] { read_hugging_face(folder / "m"); });
}

TEST(HuggingFace, RefusesWhatItDoesNotCompute) {
  const auto with = [](const char* key, Value value) {
    return error_with_config([&](Value& config) { config.set(key, std::move(value)); });
  };
  EXPECT_EQ(with("activation_function", "gelu"), "(no error)");
  expect_words(with("model_type", "bert"), {"config.json", "bert", "gpt2"});
  expect_words(error_with_config([](Value& c) {
                 c.set("model_type", Value());
                 c.set("architectures", Value::List{{"LlamaForCausalLM"}});
               }),
               {"LlamaForCausalLM"});
  expect_words(with("activation_function", "relu"), {"config.json", "relu", "gelu_new"});
  expect_words(with("scale_attn_by_inverse_layer_idx", true),
               {"scale_attn_by_inverse_layer_idx is true"});
  expect_words(with("reorder_and_upcast_attn", true), {"reorder_and_upcast_attn is true"});
  expect_words(with("scale_attn_weights", false), {"scale_attn_weights is false"});
  expect_words(with("add_cross_attention", true), {"add_cross_attention is true"});
  expect_words(with("n_inner", 33), {"n_inner is 33"});
  expect_words(with("n_head", 3), {"n_embd 8", "n_head 3"});
  expect_words(with("n_layer", "two"), {"n_layer", "a text"});
  expect_words(with("n_layer", int64_t{1} << 40), {"n_layer is 1099511627776"});
  expect_words(with("n_layer", 10'000), {"n_layer is 10000"});
  expect_words(with("n_layer", 3), {"h.2.", "missing"});
  expect_words(with("n_layer", 1), {"h.1.", "none of this model's"});
  expect_words(with("n_embd", 0), {"n_embd is 0"});
  expect_words(with("n_embd", 4), {"wte.weight", "(11, 8)", "(11, 4)"});
  expect_words(with("vocab_size", 12), {"wte.weight", "(11, 8)", "(12, 8)"});
  expect_words(with("layer_norm_epsilon", -1), {"layer_norm_epsilon is -1"});
  expect_words(with("resid_pdrop", 1), {"resid_pdrop is 1"});
}

/// What is said of the golden folder with other tensors.
std::string error_with_tensors(const std::function<void(Tensors&)>& change) {
  const TemporaryFolder folder;
  fs::copy(kGolden / "whole", folder / "m");
  const SafetensorsFile file(kGolden / "whole/model.safetensors");
  Tensors tensors = file.tensors();
  change(tensors);
  write_safetensors(folder / "m/model.safetensors", tensors);
  return error_of([&] { read_hugging_face(folder / "m"); });
}

ArrayView& named(Tensors& tensors, std::string_view name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
  EXPECT_NE(found, tensors.end()) << name;
  return found->second;
}

TEST(HuggingFace, NamesTheTensorThatDoesNotFit) {
  const std::string attn = "transformer.h.0.attn.c_attn.weight";
  EXPECT_EQ(error_with_tensors([](Tensors&) {}), "(no error)");
  expect_words(error_with_tensors([&](Tensors& t) {
                 named(t, attn).shape = {24, 8};
               }),
               {"model.safetensors", attn, "(24, 8)", "(8, 24)"});
  expect_words(error_with_tensors([&](Tensors& t) {
                 std::erase_if(t, [&](const auto& x) { return x.first == attn; });
               }),
               {"model.safetensors", "h.0.attn.c_attn.weight", "missing"});
  expect_words(
      error_with_tensors([&](Tensors& t) { t.emplace_back(attn.substr(12), named(t, attn)); }),
      {"twice", " " + attn, std::string(" ") + attn.substr(12)});
  for (const char* stray :
       {"transformer.h.2.ln_1.weight", "h.0.attn.c_attn.lora_A.weight", "lm_head.bias", "wte.bias",
        "transformer.v_head.weight", "h.0.crossattention.c_attn.weight"})
    expect_words(error_with_tensors([&](Tensors& t) { t.emplace_back(stray, t[0].second); }),
                 {"model.safetensors", stray, "none of this model's", "2 layers"});
  expect_words(error_with_tensors([&](Tensors& t) {
                 for (auto& [name, array] : t) name = "student." + name;
               }),
               {"wte.weight is missing", "there is student.transformer.wte.weight", "prefix"});
  expect_words(error_with_tensors([&](Tensors& t) { named(t, attn).type = ElementType::kInt32; }),
               {attn, "int32", "floating-point"});
  EXPECT_EQ(error_with_tensors([&](Tensors& t) {
              t.emplace_back("lm_head.weight", named(t, "transformer.wte.weight"));
            }),
            "(no error)");
  expect_words(error_with_tensors([&](Tensors& t) {
                 t.emplace_back("lm_head.weight", to_array(at::ones({11, 8})));
               }),
               {"lm_head.weight", "tied"});
}

/// The golden folder with other tensors, in safetensors and in a file of torch.save.
void read_with_tensors(const std::function<void(Tensors&)>& change,
                       const std::function<void(const ImportedModel&)>& look) {
  Tensors tensors = SafetensorsFile(kGolden / "whole/model.safetensors").tensors();
  change(tensors);
  for (const bool as_bin : {false, true}) {
    SCOPED_TRACE(as_bin);
    const TemporaryFolder folder;
    fs::copy(kGolden / "whole/config.json", folder / "config.json");
    Value state = Value::ordered_dict();
    for (const auto& [name, array] : tensors) state.set(name, array);
    if (as_bin)
      write_pt(folder / "pytorch_model.bin", state);
    else
      write_safetensors(folder / "model.safetensors", tensors);
    look(read_hugging_face(folder.path()));
  }
}

void rename(Tensors& tensors, const std::function<std::string(const std::string&)>& to) {
  for (auto& [name, array] : tensors) name = to(name);
}

TEST(HuggingFace, TakesTheTiedMatrixFromEitherName) {
  // safetensors' save_model keeps the head's name alone.
  const auto only_head = [](Tensors& t) {
    rename(t, [](const std::string& n) {
      return n == "transformer.wte.weight" ? std::string("lm_head.weight") : n;
    });
  };
  read_with_tensors(only_head, expect_golden);
  read_with_tensors(
      [&](Tensors& t) {
        only_head(t);
        rename(t, [](const std::string& n) {
          return n.starts_with("transformer.") ? n.substr(12) : n;
        });
      },
      expect_golden);
  read_with_tensors(
      [](Tensors& t) { t.emplace_back("lm_head.weight", named(t, "transformer.wte.weight")); },
      expect_golden);
}

TEST(HuggingFace, ReadsNamesThatWrappersLeave) {
  for (const char* prefix : {"module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.",
                             "module.module.", "_fsdp_wrapped_module."})
    read_with_tensors(
        [&](Tensors& t) { rename(t, [&](const std::string& n) { return prefix + n; }); },
        expect_golden);
  read_with_tensors(  // blocks that were compiled one by one
      [](Tensors& t) {
        rename(t, [](const std::string& n) {
          return n.starts_with("transformer.h.0.")
                     ? std::string("transformer.h.0._orig_mod.") + n.substr(16)
                     : n;
        });
      },
      expect_golden);
}

TEST(HuggingFace, LeavesHeadsBesideTheModelOutAndSaysSo) {
  read_with_tensors(
      [](Tensors& t) {
        t.emplace_back("score.weight", to_array(at::ones({2, 8})));
      },
      [](const ImportedModel& model) {
        expect_golden(model);
        expect_words(model.left_out, {"left out", "score.weight"});
      });
  read_with_tensors(
      [](Tensors& t) {
        t.emplace_back("module.v_head.summary.weight", to_array(at::ones({1, 8})));
        for (int i = 0; i < 6; ++i)
          t.emplace_back(std::string("qa_outputs.") + std::to_string(i), to_array(at::ones({1})));
      },
      [](const ImportedModel& model) {
        expect_golden(model);
        expect_words(model.left_out, {"qa_outputs.0, ", "qa_outputs.4 and 2 more"});
      });
}

TEST(HuggingFace, RefusesTensorsInOneMemory) {
  // A file of one block's memory could claim thousands of blocks.
  const TemporaryFolder folder;
  Value config = parse_json(read_file(kGolden / "bin/config.json"), "x");
  for (const auto& [key, size] : {std::pair{"n_layer", 200}, {"n_embd", 64}}) config.set(key, size);
  write_file(folder / "config.json", to_json(config));
  Value tensors = Value::dict();
  tensors.set("wte.weight", to_array(at::ones({11, 64})));
  tensors.set("wpe.weight", to_array(at::ones({16, 64})));
  const ArrayView vector = to_array(at::ones({64})), wide = to_array(at::ones({256})),
                  triple = to_array(at::ones({192})), square = to_array(at::ones({64, 64})),
                  attn = to_array(at::ones({64, 192})), up = to_array(at::ones({64, 256})),
                  down = to_array(at::ones({256, 64}));
  for (const char* name : {"ln_f.weight", "ln_f.bias"}) tensors.set(name, vector);
  for (int i = 0; i < 200; ++i)
    for (const auto& [name, array] : {std::pair{"ln_1.weight", &vector},
                                      {"ln_1.bias", &vector},
                                      {"ln_2.weight", &vector},
                                      {"ln_2.bias", &vector},
                                      {"attn.c_attn.weight", &attn},
                                      {"attn.c_attn.bias", &triple},
                                      {"attn.c_proj.weight", &square},
                                      {"attn.c_proj.bias", &vector},
                                      {"mlp.c_fc.weight", &up},
                                      {"mlp.c_fc.bias", &wide},
                                      {"mlp.c_proj.weight", &down},
                                      {"mlp.c_proj.bias", &vector}})
      tensors.set(std::string("h.") + std::to_string(i) + "." + name, *array);
  write_pt(folder / "pytorch_model.bin", tensors);
  expect_words(error_of([&] { read_hugging_face(folder.path()); }),
               {"pytorch_model.bin", "share their memory"});
}

TEST(HuggingFace, NamesWhatIsMissingOfAFolder) {
  const TemporaryFolder folder;
  expect_words(error_of([&] { read_hugging_face(folder.path()); }),
               {"config.json", "cannot be read"});
  fs::copy(kGolden / "shards", folder / "m");
  fs::remove(folder / "m/model-00002-of-00003.safetensors");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }),
               {"model-00002-of-00003.safetensors", "cannot be read"});
  fs::copy(kGolden / "shards/model-00001-of-00003.safetensors",
           folder / "m/model-00002-of-00003.safetensors");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }), {"twice"});
  write_file(folder / "m/model.safetensors.index.json",
             R"({"weight_map":{"wte.weight":"../../secret"}})");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }), {"index.json", "wte.weight"});
  write_file(folder / "m/model.safetensors.index.json",
             R"({"weight_map":{"wte.weight":"model-00003-of-00003.safetensors"}})");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }),
               {"model-00003-of-00003.safetensors", "wte.weight", "missing"});
  write_file(folder / "m/model.safetensors.index.json", "{}");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }), {"weight_map"});
  fs::remove(folder / "m/model.safetensors.index.json");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }),
               {"no weights", "model.safetensors", "pytorch_model.bin.index.json"});
  fs::copy(kGolden / "bin_shards", folder / "b");
  fs::remove(folder / "b/pytorch_model-00002-of-00002.bin");
  expect_words(
      error_of([&] { read_hugging_face(folder / "b"); }),
      {"pytorch_model-00002-of-00002.bin: cannot be read", "pytorch_model.bin.index.json"});
  write_file(folder / "m/config.json", "{");
  expect_words(error_of([&] { read_hugging_face(folder / "m"); }), {"config.json", "JSON"});
}

TEST(HuggingFace, FindsTheHubsModelsInItsCache) {
  const TemporaryFolder folder;
  EXPECT_EQ(resolve_model(folder.path().string()), folder.path());
  expect_words(error_of([&] { resolve_model((folder / "none").string()); }),
               {(folder / "none").string(), "no such model"});
  ::setenv("HF_HUB_CACHE", folder.path().c_str(), 1);
  expect_words(error_of([] { resolve_model("gpt2-medium"); }),
               {folder.path().string(), "huggingface-cli download openai-community/gpt2-medium"});
  const fs::path repository = folder / "models--openai-community--gpt2-medium";
  fs::create_directories(repository / "refs");
  fs::create_directories(repository / "snapshots/abc");
  write_file(repository / "refs/main", "abc\n");
  EXPECT_NE(error_of([] { resolve_model("gpt2-medium"); }), "(no error)")
      << "a snapshot without config.json is not complete";
  write_file(repository / "snapshots/abc/config.json", "{}");
  EXPECT_EQ(resolve_model("gpt2-medium"), repository / "snapshots/abc");
  ::unsetenv("HF_HUB_CACHE");
}

}  // namespace
}  // namespace precis
