// Settings of decoding from Hugging Face folders, and back.
#include "lib/huggingface/generation_json.h"

#include "lib/formats/json_value.h"
#include "lib/model/gpt2/gpt2_shape.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of;
using testing::expect_words;

ImportedModel folder_of(const std::string& generation,
                        const std::string& config = R"({"eos_token_id": 10})") {
  ImportedModel folder;
  folder.shape = Gpt2Shape().clone();
  folder.shape->vocab_size = 11;
  folder.folder = "/models/m";
  folder.config = parse_json(config, "config.json");
  if (!generation.empty()) folder.generation = parse_json(generation, "generation_config.json");
  return folder;
}

FolderGeneration read(const std::string& generation) {
  return generation_of(folder_of(generation));
}

std::string error_with(const std::string& generation) {
  return error_of([&] { read(generation); });
}

TEST(GenerationJson, ReadsTheKeysThatAreOurs) {
  const FolderGeneration found =
      read(R"({"max_new_tokens": 30, "min_new_tokens": 2, "do_sample": true, "temperature": 0.7,
               "top_k": 9, "top_p": 0.8, "min_p": 0.05, "num_beams": 1, "repetition_penalty": 1.25,
               "no_repeat_ngram_size": 3, "transformers_version": "5.24.0", "bos_token_id": 10,
               "pad_token_id": 10, "use_cache": true, "_from_model_config": true,
               "output_scores": false, "length_penalty": -0.5, "early_stopping": "never"})");
  EXPECT_EQ(found.config, (GenerationConfig{.max_new_tokens = 30,
                                            .min_new_tokens = 2,
                                            .temperature = 0.7,
                                            .top_k = 9,
                                            .top_p = 0.8,
                                            .min_p = 0.05,
                                            .num_beams = 1,
                                            .length_penalty = -0.5,
                                            .early_stopping = "never",
                                            .no_repeat_ngram_size = 3,
                                            .repetition_penalty = 1.25}));
  EXPECT_TRUE(found.warnings.empty());
  EXPECT_EQ(read(R"({"early_stopping": true})").config.early_stopping, "true");
  EXPECT_EQ(read(R"({"early_stopping": false, "max_new_tokens": null})").config,
            GenerationConfig{});
}

TEST(GenerationJson, WhatIsLeftOutIsAsInTransformers) {
  const GenerationConfig sampling = read(R"({"do_sample": true})").config;
  EXPECT_EQ(sampling.temperature, 1);
  EXPECT_EQ(sampling.top_k, 50);
  EXPECT_EQ(sampling.top_p, 1);
  EXPECT_EQ(read(R"({"do_sample": true, "top_k": null})").config.top_k, 50);
  EXPECT_EQ(read(R"({"do_sample": true, "top_k": 0})").config.top_k, 0);
  EXPECT_EQ(read(R"({"do_sample": true})").config.max_new_tokens, GenerationConfig{}.max_new_tokens)
      << "transformers' 20 tokens would cut a summary";
  for (const char* greedy : {R"({"temperature": 0.7, "top_p": 0.5})",
                             R"({"do_sample": false, "temperature": 0.7, "top_k": 3})"})
    EXPECT_FALSE(read(greedy).config.samples()) << greedy;
}

TEST(GenerationJson, ConfigJsonStandsInForAMissingFile) {
  const FolderGeneration found = generation_of(
      folder_of("", R"({"eos_token_id": [3, 4], "num_beams": 4, "n_layer": 2, "typical_p": 0.5,
              "task_specific_params": {"text-generation": {"do_sample": true}}})"));
  EXPECT_EQ(found.end_tokens, (EndTokens{3, 4}));
  EXPECT_EQ(found.config.num_beams, 4);
  EXPECT_FALSE(found.config.samples());
  ASSERT_EQ(found.warnings.size(), 1U);
  expect_words(found.warnings[0], {"/models/m/config.json", "passed over", ": typical_p"});
  EXPECT_EQ(read(R"({"num_beams": 2})").end_tokens, EndTokens{10}) << "that key alone is not there";
  EXPECT_TRUE(generation_of(folder_of("", "{}")).end_tokens.empty());
}

TEST(GenerationJson, ReadsOneEndTokenOrSeveral) {
  EXPECT_EQ(read(R"({"eos_token_id": 7})").end_tokens, EndTokens{7});
  EXPECT_EQ(read(R"({"eos_token_id": [7]})").end_tokens, EndTokens{7});
  EXPECT_EQ(read(R"({"eos_token_id": [10, 7, 10, 0]})").end_tokens, (EndTokens{10, 7, 0}));
  EXPECT_EQ(read(R"({"eos_token_id": null})").end_tokens, EndTokens{10});
  const FolderGeneration beyond = read(R"({"eos_token_id": [11, -1, 4294967300, 3]})");
  EXPECT_EQ(beyond.end_tokens, EndTokens{3});
  ASSERT_EQ(beyond.warnings.size(), 3U);
  expect_words(beyond.warnings[0],
               {"/models/m/generation_config.json: eos_token_id: 11", "11; passed over"});
  EXPECT_TRUE(read(R"({"eos_token_id": 50256})").end_tokens.empty());
  for (const char* wrong : {R"({"eos_token_id": "Z"})", R"({"eos_token_id": [[1]]})",
                            R"({"eos_token_id": 1.5})", R"({"eos_token_id": true})"})
    expect_words(error_with(wrong), {"generation_config.json: eos_token_id", "expected an id"});
}

TEST(GenerationJson, NamesOnceWhatIsPassedOver) {
  const FolderGeneration found =
      read(R"({"typical_p": 0.9, "num_beam_groups": 2, "penalty_alpha": 0.6, "top_h": 0.1,
               "bad_words_ids": [[1]], "forced_eos_token_id": 3, "suppress_tokens": [4],
               "min_length": 5, "of_the_future": 1, "num_beams": 4})");
  ASSERT_EQ(found.warnings.size(), 1U);
  expect_words(found.warnings[0],
               {"/models/m/generation_config.json", "typical_p", "num_beam_groups", "penalty_alpha",
                "top_h", "bad_words_ids", "forced_eos_token_id", "suppress_tokens", "min_length",
                "generation.min_new_tokens", "of_the_future"});
  EXPECT_EQ(found.warnings[0].find("num_beams"), std::string::npos);
  EXPECT_TRUE(read(R"({"typical_p": 1.0, "num_beam_groups": 1, "penalty_alpha": null, "min_p": null,
                       "bad_words_ids": null, "suppress_tokens": [], "min_length": 0,
                       "renormalize_logits": false, "max_length": 20, "assistant_lookbehind": 3})")
                  .warnings.empty());
  expect_words(read(R"({"max_length": 50})").warnings.at(0),
               {"max_length", "count the prompt", "generation.max_new_tokens"});
  EXPECT_TRUE(read(R"({"max_length": 50, "max_new_tokens": 9})").warnings.empty());
}

TEST(GenerationJson, RefusesValuesThatMeanNothing) {
  const std::string file = "/models/m/generation_config.json: ";
  expect_words(error_with(R"({"num_beams": 0})"), {file + "num_beams", "at least 1", "'0'"});
  expect_words(error_with(R"({"num_beams": "many"})"), {file + "num_beams", "'many'"});
  expect_words(error_with(R"({"max_new_tokens": 2.5})"), {file + "max_new_tokens", "2.5"});
  expect_words(error_with(R"({"top_p": 2})"), {file + "top_p", "from 0 to 1"});
  expect_words(error_with(R"({"min_p": -0.1})"), {file + "min_p", "from 0 to 1"});
  expect_words(error_with(R"({"repetition_penalty": [1]})"), {file + "repetition_penalty"});
  expect_words(error_with(R"({"early_stopping": "often"})"), {file + "early_stopping", "never"});
  expect_words(error_with(R"({"do_sample": "yes"})"), {file + "do_sample", "true or false"});
}

TEST(GenerationJson, ComesBackAsItWentOut) {
  for (const GenerationConfig& config :
       {GenerationConfig{}, GenerationConfig{.max_new_tokens = 7, .temperature = 0.5},
        GenerationConfig{.temperature = 1, .top_k = 3, .top_p = 0.25, .repetition_penalty = 1.5},
        GenerationConfig{.temperature = 1.5, .min_p = 0.125},
        GenerationConfig{.min_new_tokens = 2,
        .num_beams = 3,
        .length_penalty = 2,
        .early_stopping = "never",
        .no_repeat_ngram_size = 2},
        GenerationConfig{.num_beams = 2, .early_stopping = "true"}}) {
    ImportedModel folder = folder_of("");
    folder.generation = generation_json(config);
    folder.generation.set("eos_token_id", end_tokens_json({4, 2}));
    const FolderGeneration back = generation_of(folder);
    EXPECT_EQ(back.config, config) << to_json(folder.generation);
    EXPECT_EQ(back.end_tokens, (EndTokens{4, 2}));
    EXPECT_TRUE(back.warnings.empty());
  }
  EXPECT_EQ(end_tokens_json({4}).integer(), 4);
  EXPECT_EQ(generation_json({.temperature = 1}).find("min_p"), nullptr)
      << "older versions know none";
  EXPECT_EQ(generation_json({.min_p = 0.5}).find("min_p"), nullptr) << "nothing is drawn";
}

}  // namespace
}  // namespace precis
