#!/usr/bin/env python3
"""summarize, convert and bench as a user starts them, on a model of one block: programs_test.py FOLDER_OF_PROGRAMS."""
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAMS = ROOT
DATA = os.path.join(ROOT, "configs", "quickstart")
CONFIG = """\
run: {{device: cpu, stages: [train], out_dir: {folder}/out}}
data: {{train_csv: {data}/validation.csv, validation_csv: {data}/validation.csv, block_size: 128}}
tokenizer: {{dir: {data}/vocabulary}}
model: {{n_layer: 1, n_head: 1, n_embd: 16}}
train: {{max_iters: 2, global_batch_size: 2, learning_rate: 0.01}}
eval: {{rouge_examples: 0, max_loss_examples: 2}}
generation: {{max_new_tokens: 6, min_new_tokens: 6}}
report: {{tensorboard: false, html: false}}
"""


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder_object = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder_object.cleanup)
        cls.folder = os.path.realpath(cls.folder_object.name)
        with open(f"{DATA}/test.csv", newline="", encoding="utf-8") as file:
            cls.rows = list(csv.DictReader(file))[:5]
        with open(f"{cls.folder}/test.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["id", "dialogue"], *([row["id"], row["dialogue"]] for row in cls.rows)])
        with open(f"{cls.folder}/c.yaml", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=cls.folder, data=DATA))
        cls.run_program("trainer", "c.yaml")
        cls.model = f"{cls.folder}/out/last.pt"

    @classmethod
    def run_program(cls, name, *arguments, code=0, text=""):
        done = subprocess.run([os.path.join(PROGRAMS, name), *arguments], cwd=cls.folder, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", timeout=100)
        assert done.returncode == code, (name, arguments, done.returncode, done.stdout, done.stderr)
        return done

    def content(self, name):
        with open(f"{self.folder}/{name}", "rb") as file:
            return file.read()

    def summaries(self, model, *more):
        self.run_program("summarize", "--model", model, "--input", "test.csv", "--output", "s.csv", *more)
        with open(f"{self.folder}/s.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_summarize_gives_a_row_for_a_row(self):
        got = self.summaries(self.model)
        self.assertEqual([list(row) for row in got], [["id", "summary"]] * 5)
        self.assertEqual([row["id"] for row in got], [row["id"] for row in self.rows])
        self.assertTrue(all(row["summary"] for row in got), got)

    def test_summarize_reads_one_dialogue_from_standard_input_or_a_text(self):
        wanted = self.summaries(self.model)[0]["summary"] + "\n"
        self.assertEqual(self.run_program("summarize", "--model", self.model, text=self.rows[0]["dialogue"] + "\n").stdout, wanted)
        with open(f"{self.folder}/one.txt", "w", encoding="utf-8") as file:
            file.write(self.rows[0]["dialogue"])
        self.assertEqual(self.run_program("summarize", "--model", self.model, "--input", "one.txt").stdout, wanted)

    def test_what_is_typed_goes_over_the_settings_of_the_model(self):
        long, short = self.summaries(self.model), self.summaries(self.model, "--generation.max_new_tokens=2", "--generation.min_new_tokens=2")
        for one, other in zip(long, short):
            self.assertLess(len(other["summary"]), len(one["summary"]))

    def test_summarize_says_what_is_missing(self):
        self.assertIn("--model PATH", self.run_program("summarize", code=2).stderr)
        self.assertIn("nomodel", self.run_program("summarize", "--model", "nomodel", code=3).stderr)

    def test_a_model_that_went_to_hugging_faces_form_and_back_says_the_same(self):
        said = self.run_program("convert", "--from", self.model, "--to", "hf").stdout
        self.assertIn(f"{self.folder}/hf: a Hugging Face folder of {self.model}", said)
        for name in ("config.json", "generation_config.json", "model.safetensors", "vocab.json", "merges.txt"):
            self.assertTrue(os.path.exists(f"{self.folder}/hf/{name}"), name)
        with open(f"{self.folder}/hf/config.json", encoding="utf-8") as file:
            sizes = json.load(file)
        self.assertEqual([sizes[key] for key in ("model_type", "n_layer", "n_head", "n_embd", "n_positions")], ["gpt2", 1, 1, 16, 128])
        self.run_program("convert", "--from", "hf", "--to", "back.pt")
        wanted = self.summaries(self.model)
        for model in ("hf", "back.pt"):
            self.assertEqual(self.summaries(model), wanted, model)
        self.run_program("convert", "--from", "back.pt", "--to", "hf2")
        self.assertEqual(self.content("hf2/model.safetensors"), self.content("hf/model.safetensors"))

    def test_convert_says_what_is_wrong(self):
        self.assertIn("convert --from PATH --to PATH", self.run_program("convert", "--from", self.model, code=2).stderr)
        with open(f"{self.folder}/half.pt", "wb") as file:
            file.write(self.content("out/last.pt")[:1000])
        self.assertIn("half.pt", self.run_program("convert", "--from", "half.pt", "--to", "none", code=3).stderr)
        self.assertFalse(os.path.exists(f"{self.folder}/none"))

    def test_a_folder_without_a_vocabulary_is_told_and_given_one(self):
        golden = os.path.join(ROOT, "tests", "golden", "formats_gpt2", "whole")
        with open(f"{golden}/config.json", encoding="utf-8") as file:
            sizes = json.load(file)
        shutil.copytree(golden, f"{self.folder}/golden")
        self.assertIn("tokenizer.dir", self.run_program("convert", "--from", "golden", "--to", "golden.pt", code=3).stderr)
        done = self.run_program("convert", "--from", "golden", "--to", "golden.pt", f"--tokenizer.dir={DATA}/vocabulary", code=3)
        self.assertIn(str(sizes["vocab_size"]), done.stderr)  # another model's vocabulary, of too many tokens
        self.assertFalse(os.path.exists(f"{self.folder}/golden.pt"))

    def bench(self, *arguments, code=0):
        small = [f"--bench.{setting}" for setting in ("n_layer=1", "n_head=1", "n_embd=16", "vocab_size=64", "samples=3", "mean_tokens=40", "target_tokens=8", "repeats=1", "device=cpu")]
        return self.run_program("bench", *arguments, *small, code=code)

    def test_bench_prints_an_object_a_line(self):
        lines = [json.loads(line) for line in self.bench("decode", "train").stdout.splitlines()]
        common = ["bench", "device", "ranks", "threads", "dtype"]
        self.assertEqual([list(line) for line in lines], [common + ["samples_per_s", "tokens_per_s", "step_ms", "micro_batch_tokens"], common + ["samples_per_s", "new_tokens_per_s"]])
        train, decode = lines
        self.assertEqual([train[key] for key in ("bench", "ranks", "dtype")], ["train", 1, "float32"])
        self.assertAlmostEqual(train["samples_per_s"] * train["step_ms"] / 1e3, 3)
        self.assertEqual(decode["bench"], "decode")
        self.assertAlmostEqual(decode["new_tokens_per_s"] / decode["samples_per_s"], 32)
        (adamw,) = [json.loads(line) for line in self.bench("adamw").stdout.splitlines()]
        self.assertGreater(adamw["ms"], 0)
        self.assertEqual(adamw["parameters"], (64 + 1024) * 16 + 12 * 16 * 16 + 13 * 16 + 2 * 16)  # embeddings, a block, the last norm

    def test_bench_bpe_encodes_what_it_is_given(self):
        def bpe(*arguments):
            (line,) = map(json.loads, self.bench("bpe", *arguments).stdout.splitlines())
            self.assertEqual(line["bench"], "bpe")
            self.assertLessEqual({"1", "2"}, set(line["mb_per_s"]))
            for rate in line["mb_per_s"].values():
                self.assertGreater(rate["median"], 0)
                self.assertGreaterEqual(rate["best"], rate["median"])
            self.assertGreater(line["megabytes"], 8)
            return line

        own = bpe()  # the quickstart's dialogues, with a vocabulary that knows their words
        self.assertEqual(own["texts"] % 600, 0)
        self.assertGreater(own["megabytes"] * 1e6 / own["tokens"], 3)
        with open(f"{self.folder}/a.txt", "w") as file:
            file.write("\u00e9\u00e8" * 500)
        given = bpe("--bench.input=a.txt", f"--bench.vocab={DATA}/vocabulary")
        self.assertEqual(given["texts"], -(-(8 << 20) // 2000))
        self.assertAlmostEqual(given["megabytes"] * 1e6, given["texts"] * 2000)
        self.assertEqual(given["tokens"], given["texts"] * 2000)  # each byte, as no merge knows it
        with open(f"{self.folder}/empty.txt", "w"):
            pass
        self.assertIn("bench.input", self.bench("bpe", "--bench.input=empty.txt", code=3).stderr)
        self.assertIn("none/vocab.json", self.bench("bpe", "--bench.vocab=none", code=3).stderr)

    def test_bench_names_what_there_is(self):
        said = self.bench("trian", code=2).stderr
        for name in ("trian", "matmul", "train", "decode", "allreduce", "adamw", "bpe"):
            self.assertIn(name, said)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAMS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
