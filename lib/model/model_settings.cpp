#include "lib/model/model_settings.h"

#include "lib/model/families.h"

namespace precis {

Fields ModelSettings::size_fields() {
  return {
      {"n_layer", &n_layer, "blocks (scratch: 12)", {.min = 1, .max = 1000}},
      {"n_head", &n_head, "attention heads (scratch: 12)", {.min = 1, .max = 1000}},
      {"n_embd", &n_embd, "channels (scratch: 768)", {.min = 1, .max = 1e5}},
      {"bias", &bias, "biases in linear layers and norms (scratch: true)"},
      {"activation",
       &activation,
       "gelu (exact, as nanoGPT), gelu_new (tanh, as OpenAI's GPT-2) or auto (what init_from says; "
       "gelu from scratch)",
       {.choices = {"auto", "gelu", "gelu_new"}}},
  };
}

Fields ModelSettings::fields() {
  Fields all{
      {"init_from",
       &init_from,
       "scratch, gpt2, gpt2-medium, gpt2-large, gpt2-xl, a Hugging Face GPT-2 folder, or a .pt "
       "checkpoint",
       {.choices = {"scratch", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"}}},
      {"family",
       &family,
       "kind of model that is made from scratch; weights that are read say theirs",
       {.choices = family_names(known_families())}},
  };
  for (Field& field : size_fields()) all.push_back(std::move(field));
  all.push_back({"dropout",
                 &dropout,
                 "dropout of embeddings, attention and residuals in training",
                 {.min = 0, .below = 1}});
  return all;
}

}  // namespace precis
