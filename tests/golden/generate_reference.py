#!/usr/bin/env python3
"""Makes generate_reference.json beside this script: what transformers' generate and its logits processors do.

The model is a made-up one whose logits are a hash of the whole prefix and of its last token, in integers and powers
of two, so that tests/generate/toy_decoder.h has the very same float32 logits.

    python3 tests/golden/generate_reference.py [SEED [FILE]]     (the file names the versions it was made with)
"""
import collections
import itertools
import json
import pathlib
import random
import sys

import numpy as np
import torch
import transformers
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.generation import logits_process as lp
from transformers.modeling_outputs import CausalLMOutput

MASK = (1 << 64) - 1


def splitmix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def splitmix64_array(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def noise(key, vocab):
    """Triangular on (-1, 1), in units of 2**-24."""
    x = splitmix64_array(np.uint64(key) ^ (np.arange(vocab, dtype=np.uint64) << np.uint64(32)))
    low = np.uint64(0xFFFFFF)
    return ((x >> np.uint64(40)) + ((x >> np.uint64(16)) & low)).astype(np.int64) - (1 << 24)


def toy_logits(toy, tokens):
    key = toy["seed"]
    for token in tokens:
        key = splitmix64(key ^ (token + 1))
    units = toy["prefix_weight"] * noise(key, toy["vocab"])
    units += toy["last_weight"] * noise(splitmix64(toy["seed"] + 1000003 * (tokens[-1] + 1)), toy["vocab"])
    units[toy["end"]] += toy["end_bias"] << 20  # sixteenths
    return (units.astype(np.float64) * 2.0**-24).astype(np.float32)


class ToyModel(PreTrainedModel, GenerationMixin):
    config_class = PretrainedConfig

    def __init__(self, toy):
        super().__init__(PretrainedConfig(vocab_size=toy["vocab"], use_cache=False))
        self.toy = toy
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.generation_config = transformers.GenerationConfig(use_cache=False)

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **_):
        return {"input_ids": input_ids}

    def forward(self, input_ids, attention_mask=None, **_):
        rows = [toy_logits(self.toy, row) for row in input_ids.tolist()]
        return CausalLMOutput(logits=torch.from_numpy(np.stack(rows))[:, None, :])


def prompts_for(toy, rng, count):
    few = rng.sample([t for t in range(toy["vocab"]) if t != toy["end"]], 12)  # repeats, so that n-grams recur
    return [[rng.choice(few) for _ in range(length)] for length in rng.sample(range(1, 24), count)]


def sequence_cases(rng):
    named = [
        {},
        {"min_new_tokens": 8},
        {"no_repeat_ngram_size": 2, "min_new_tokens": 10},
        {"repetition_penalty": 1.4},
        {"no_repeat_ngram_size": 1},
        {"num_beams": 4},
        {"num_beams": 4, "early_stopping": True},
        {"num_beams": 3, "length_penalty": -1.0},
        {"num_beams": 4, "length_penalty": 2.5, "early_stopping": True},
        {"num_beams": 8, "length_penalty": 1.2, "no_repeat_ngram_size": 3, "min_new_tokens": 5, "repetition_penalty": 1.1},
        {"num_beams": 5, "length_penalty": 0.0, "max_new_tokens": 1},
    ]
    drawn = [
        {
            "num_beams": rng.choice([1, 2, 3, 4, 6]),
            "length_penalty": rng.choice([-2.0, -0.5, 0.0, 0.6, 1.0, 1.7]),
            "early_stopping": rng.random() < 0.5,
            "no_repeat_ngram_size": rng.choice([0, 1, 2, 3, 4]),
            "min_new_tokens": rng.choice([0, 0, 3, 9]),
            "repetition_penalty": rng.choice([1.0, 0.8, 1.1, 1.5]),
            "max_new_tokens": rng.choice([10, 16, 24]),
        }
        for _ in range(24)
    ]
    return [{"max_new_tokens": 16, **case} for case in named + drawn]


def sequences(toy, rng):
    model = ToyModel(toy).eval()
    prompts = prompts_for(toy, rng, 7)
    cases = []
    for config in sequence_cases(rng):
        beams = {k: config[k] for k in ("length_penalty", "early_stopping") if k in config and config.get("num_beams", 1) > 1}
        other = {k: v for k, v in config.items() if k not in ("length_penalty", "early_stopping")}
        outputs = []
        for prompt in prompts:
            with torch.inference_mode():
                y = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
                                   pad_token_id=toy["end"], eos_token_id=toy["end"], **beams, **other)
            outputs.append(y[0, len(prompt):].tolist())
        cases.append({"config": config, "outputs": outputs})
    return {"toy": toy, "prompts": prompts, "cases": cases}


def several_ends(toy, rng):
    """Texts that end at any of several tokens, and beams that never stop early."""
    model = ToyModel(toy).eval()
    prompts = prompts_for(toy, rng, 7)

    def generate(prompt, ends, **config):
        with torch.inference_mode():
            y = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
                               pad_token_id=toy["end"], eos_token_id=ends, **config)
        return y[0, len(prompt):].tolist()

    often = collections.Counter(t for p in prompts for t in generate(p, [toy["end"]], max_new_tokens=16, num_beams=2) if t != toy["end"])
    others = sorted(often, key=lambda t: (-often[t], t))
    cases = []
    for ends in ([toy["end"], others[0]], [others[1], toy["end"], others[0], others[2]], [others[0]], [toy["end"]]):
        for config in ({}, {"min_new_tokens": 7}, {"num_beams": 2}, {"num_beams": 3, "min_new_tokens": 5, "no_repeat_ngram_size": 2},
                       {"num_beams": 4, "length_penalty": 1.8, "early_stopping": "never"}, {"num_beams": 3, "length_penalty": 0.7, "early_stopping": "never"},
                       {"num_beams": 3, "length_penalty": -0.5, "early_stopping": "never"}, {"num_beams": 4, "early_stopping": True, "repetition_penalty": 1.2}):
            config = {"max_new_tokens": 16, **config}
            cases.append({"ends": ends, "config": config, "outputs": [generate(p, ends, **config) for p in prompts]})
    differing = 0  # settings in which it matters that beams never stop early
    for num_beams, length_penalty in itertools.product((2, 3, 4), (0.4, 0.7, 1.0, 1.3, 1.6)):
        config = {"max_new_tokens": 24, "num_beams": num_beams, "length_penalty": length_penalty}
        never, default = ([generate(p, ends, **config, early_stopping=early) for p in prompts] for early in ("never", False))
        if never != default and differing < 4:
            cases.append({"ends": ends, "config": {**config, "early_stopping": "never"}, "outputs": never})
            differing += 1
    return {"toy": toy, "prompts": prompts, "cases": cases}


def scores_of(rng, vocab):
    return [round(rng.gauss(0, 3) * 1024) / 1024 for _ in range(vocab)]  # exact in float32, short in JSON


def numbers(tensor):
    return [None if x == -np.inf else x for x in tensor.tolist()]


def processors(rng):
    vocab, end, cases = 23, 5, []
    for case in range(30):
        tokens = [rng.randrange(8) for _ in range(rng.randrange(1, 30))]
        prompt = rng.randrange(1, len(tokens) + 1)
        config = [{"repetition_penalty": rng.choice([0.7, 1.3])}, {"no_repeat_ngram_size": rng.choice([1, 2, 3])}, {"min_new_tokens": rng.choice([3, 6])},
                  {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "min_new_tokens": 4}][case % 4]
        chain = lp.LogitsProcessorList()
        if "repetition_penalty" in config:
            chain.append(lp.RepetitionPenaltyLogitsProcessor(config["repetition_penalty"]))
        if "no_repeat_ngram_size" in config:
            chain.append(lp.NoRepeatNGramLogitsProcessor(config["no_repeat_ngram_size"]))
        if "min_new_tokens" in config:
            chain.append(lp.MinNewTokensLengthLogitsProcessor(prompt, config["min_new_tokens"], torch.tensor([end])))
        scores = scores_of(rng, vocab)
        after = chain(torch.tensor([tokens]), torch.tensor([scores]))[0]
        cases.append({"config": config, "tokens": tokens, "prompt_length": prompt, "end": end, "scores": scores, "after": numbers(after)})
    return cases


# Temperature, top_k, top_p, min_p.
WITHOUT_MIN_P = [(0.7, 0, 1.0, 0), (1.5, 5, 1.0, 0), (1.0, 0, 0.6, 0), (0.7, 9, 0.8, 0), (2.0, 0, 0.95, 0), (1.0, 1, 1.0, 0), (1.0, 0, 0.0, 0),
                 (1.0, 500, 1.0, 0), (3.0, 40, 0.99, 0)]
WITH_MIN_P = [(1.0, 0, 1.0, 0.05), (2.5, 0, 1.0, 0.02), (1.5, 12, 1.0, 0.1), (2.0, 0, 0.9, 0.03), (1.2, 0, 0.99, 0.001), (2.0, 60, 0.95, 0.04),
              (1.5, 0, 1.0, 1.0), (3.0, 20, 0.7, 0.3)]


def warpers(rng, settings):
    """Scores and the probability of each token that may be drawn."""
    cases = []
    for vocab in (29, 600):
        for temperature, top_k, top_p, min_p in settings:
            scores = scores_of(rng, vocab)
            if top_k == 5:  # a tie at the border: both stay
                fifth = sorted(range(vocab), key=lambda i: -scores[i])[4]
                scores[(fifth + 7) % vocab] = scores[fifth]
            chain = lp.LogitsProcessorList()
            if temperature != 1.0:
                chain.append(lp.TemperatureLogitsWarper(temperature))
            if top_k:
                chain.append(lp.TopKLogitsWarper(top_k))
            if top_p < 1:
                chain.append(lp.TopPLogitsWarper(top_p))
            if min_p:
                chain.append(lp.MinPLogitsWarper(min_p))
            p = torch.softmax(chain(None, torch.tensor([scores]))[0].double(), -1)
            kept = torch.nonzero(p).flatten().tolist()
            config = {"temperature": temperature, "top_k": top_k, "top_p": top_p, **({"min_p": min_p} if min_p else {})}
            cases.append({**config, "scores": scores, "kept": kept, "probabilities": [float(f"{x:.9g}") for x in p[kept].tolist()]})
    return cases


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    rng = random.Random(20260801 + seed)
    small = {"vocab": 97, "end": 96, "seed": seed, "prefix_weight": 4, "last_weight": 5, "end_bias": 30}
    large = {"vocab": 613, "end": 0, "seed": seed + 1, "prefix_weight": 5, "last_weight": 4, "end_bias": 40}
    value = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__},
        "sequences": [sequences(small, rng), sequences(large, rng)],
        "processors": processors(rng),
        "warpers": warpers(rng, WITHOUT_MIN_P),
        "several_ends": several_ends(small, rng),
        "min_p": warpers(rng, WITH_MIN_P),
    }
    path = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    for part in value["sequences"]:
        ends = [sum(part["toy"]["end"] in y for y in case["outputs"]) for case in part["cases"]]
        print(f"vocabulary {part['toy']['vocab']}: of {len(part['prompts'])} texts end by themselves: {ends}")


main()
