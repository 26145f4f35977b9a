// Names in weights files, and which tensors are parameters.
#include "lib/checkpoint/weight_table.h"

#include <gtest/gtest.h>

#include "lib/model/gpt2/gpt2_family.h"

namespace precis {
namespace {

TEST(WeightTable, TakesPrefixesOffNames) {
  for (const auto& [name, plain] : std::vector<std::pair<std::string, std::string>>{
           {"transformer.h.0.ln_1.weight", "h.0.ln_1.weight"},
           {"h.0.ln_1.weight", "h.0.ln_1.weight"},
           {"module._orig_mod.transformer.wte.weight", "wte.weight"},
           {"transformer.h.0._checkpoint_wrapped_module.ln_1.weight", "h.0.ln_1.weight"},
           {"_orig_mod.lm_head.weight", "lm_head.weight"},
           {"modules.wte.weight", "modules.wte.weight"},
           {"h.0.module", "h.0"},
           {"transformer.transformer.wte.weight", "transformer.wte.weight"},
           {"module.", ""},
           {"", ""}})
    EXPECT_EQ(plain_name(name, gpt2_family()), plain) << name;
}

}  // namespace
}  // namespace precis
