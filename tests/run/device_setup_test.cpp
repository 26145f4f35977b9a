// Which dtype a device computes in.
#include "lib/run/device_setup.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "lib/base/errors.h"
#include "lib/base/random.h"
#include "lib/run/output_stages.h"
#include "tests/formats/made_files.h"
#include "tests/support/small_run.h"

namespace precis {
namespace {

using testing::expect_words;

const VisibleGpu kT4{"a", "Tesla T4", 7, 5}, kA100{"b", "NVIDIA A100-SXM4-40GB", 8, 0},
    kB200{"c", "NVIDIA B200", 10, 0};

TEST(ChooseDtype, AutoIsWhatTheDeviceComputesFastIn) {
  EXPECT_EQ(choose_dtype("train.dtype", "auto", nullptr), at::kFloat);
  EXPECT_EQ(choose_dtype("train.dtype", "auto", &kT4), at::kHalf);
  EXPECT_EQ(choose_dtype("train.dtype", "auto", &kA100), at::kBFloat16);
  EXPECT_EQ(choose_dtype("train.dtype", "auto", &kB200), at::kBFloat16);
}

TEST(ChooseDtype, ANameIsItsType) {
  for (const VisibleGpu* gpu : {static_cast<const VisibleGpu*>(nullptr), &kT4, &kA100}) {
    EXPECT_EQ(choose_dtype("generation.dtype", "float32", gpu), at::kFloat);
    EXPECT_EQ(choose_dtype("generation.dtype", "float16", gpu), at::kHalf);
  }
  EXPECT_EQ(choose_dtype("generation.dtype", "bfloat16", nullptr), at::kBFloat16);
  EXPECT_EQ(choose_dtype("generation.dtype", "bfloat16", &kA100), at::kBFloat16);
}

TEST(ChooseDtype, Int8IsOfWeightsAndOfCpus) {
  EXPECT_EQ(choose_dtype("generation.dtype", "int8", nullptr), at::kFloat);
  EXPECT_THROW(choose_dtype("generation.dtype", "int8", &kA100), ConfigError);
}

TEST(ChooseDtype, Bfloat16OnATeslaT4IsRefusedInASentence) {
  for (const std::string key : {"train.dtype", "generation.dtype"}) {
    try {
      choose_dtype(key, "bfloat16", &kT4);
      FAIL() << "it was taken";
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.what(), key +
                                  " is bfloat16, and Tesla T4 (compute capability 7.5) does not "
                                  "compute with it: say float16");
    }
  }
}

TEST(SetUpDevice, OnACpuDtypesAreThoseOfTheConfig) {
  Log log(false);
  RunConfig config;
  config.run.device = "cpu";
  config.train.dtype = "bfloat16";
  config.generation.dtype = "float16";
  const DeviceSetup setup = set_up_device(testing::the_world(), config, log);
  EXPECT_EQ(setup.dtype, at::kBFloat16);
  EXPECT_EQ(setup.generation_dtype, at::kHalf);
  EXPECT_EQ(setup.sharing, 1);
  EXPECT_FALSE(setup.tf32);
  config.run.stages = {"predict"};
  EXPECT_EQ(set_up_device(testing::the_world(), config, log).dtype, at::kFloat)
      << "what no stage needs is not looked at";
}

/// Logits after a prompt and after one more token, with generation.dtype at this.
at::Tensor decoded(const std::string& dtype, at::ScalarType type) {
  testing::SmallRun run(testing::Settings{{"generation.dtype", dtype}});
  RunInputs read = run.read();
  RandomStream random(1);
  for (int64_t i = 0; i < read.model.flat.numel(); ++i)
    read.model.flat.data_ptr<float>()[i] += static_cast<float>(0.3 * random.normal());
  const DeviceSetup setup = set_up_device(testing::the_world(), *run.config, run.log);
  Coordinator coordinator(*run.config, true, run.log);
  const OutputModel output({*run.config, setup, testing::the_world(), coordinator},
                           std::move(read.model));
  EXPECT_EQ(output.inference.weights().type(), type);
  CachedDecoder decoder(output.inference);
  const std::vector<std::vector<int32_t>> prompts{{70, 80, 90, 11}, {12}};
  const std::vector<int32_t> next{40, 41};
  const at::Tensor first = decoder.start(prompts, 4);
  return at::cat({first, decoder.step(next)});
}

TEST(GenerationDtype, ACpuDecodesInAllOfThem) {
  const at::Tensor exact = decoded("float32", at::kFloat);
  const double size = exact.abs().max().item<double>();
  for (const auto& [dtype, type, tolerance] :
       {std::tuple{"bfloat16", at::kBFloat16, 0.03}, std::tuple{"float16", at::kHalf, 0.004}}) {
    const double off = (decoded(dtype, type) - exact).abs().max().item<double>();
    EXPECT_LT(off, tolerance * size) << dtype;
    EXPECT_GT(off, 0) << dtype;
  }
}

}  // namespace
}  // namespace precis
