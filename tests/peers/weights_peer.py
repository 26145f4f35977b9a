"""Weights in and out: transformers' folders in each form, and what goes out, in transformers and in CTranslate2."""
import json
import shutil
import unittest

import ctranslate2
import torch
from safetensors import safe_open
from safetensors.torch import save_model
from transformers import GPT2DoubleHeadsModel, GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2TokenizerFast

import common
import models
import reference_text

NEW_TOKENS = 16


class WeightsPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = models.make_folder("weights")
        cls.table = common.TMP / "weights.csv"
        cls.rows = common.draw_rows(common.random_for("weights"), 16, cls.table)
        with torch.inference_mode():
            cls.loss = models.batch_loss(models.load_model(cls.folder), cls.rows).item()

    def check_loss(self, folder):
        loss = models.val_loss(folder, self.table, f"evaluated-{folder.name}")
        gap = abs(loss - self.loss) / self.loss
        common.show(f"val_loss {gap:.1e}")
        self.assertLess(gap, 1e-6, f"val_loss of {folder.name}")

    def test_loss_of_one_file(self):
        self.check_loss(self.folder)

    def test_loss_of_shards(self):
        folder = models.save_folder(GPT2LMHeadModel.from_pretrained(self.folder), common.TMP / "shards", max_shard_size="50KB")
        self.assertGreater(len(list(folder.glob("*.safetensors"))), 3, "the comparison itself made no shards")
        self.check_loss(folder)

    def torch_file(self, name, rename):
        """A folder with pytorch_model.bin, as transformers wrote until 2023."""
        folder = common.TMP / name
        folder.mkdir()
        weights = GPT2LMHeadModel.from_pretrained(self.folder).state_dict()
        torch.save({rename(key): weight for key, weight in weights.items()}, folder / "pytorch_model.bin")
        shutil.copy(self.folder / "config.json", folder)
        models.add_vocabulary(folder)
        return folder

    def test_loss_of_a_torch_file(self):
        self.check_loss(self.torch_file("torch-file", lambda key: key))

    def test_loss_of_a_torch_file_without_prefix(self):
        """As in the oldest files of GPT-2."""
        self.check_loss(self.torch_file("torch-file-bare", lambda key: key.removeprefix("transformer.")))

    def test_loss_of_wrapped_names(self):
        self.check_loss(self.torch_file("torch-file-wrapped", lambda key: f"module._orig_mod.{key}"))

    def test_loss_of_shards_of_torch_files(self):
        folder = self.torch_file("torch-shards", lambda key: key)
        weights = torch.load(folder / "pytorch_model.bin")
        (folder / "pytorch_model.bin").unlink()
        names = [f"pytorch_model-0000{i}-of-00003.bin" for i in (1, 2, 3)]
        where = {key: names[i % 3] for i, key in enumerate(weights)}
        for name in names:
            torch.save({key: weight.clone() for key, weight in weights.items() if where[key] == name}, folder / name)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
        self.check_loss(folder)

    def test_loss_where_the_head_has_the_tied_matrix(self):
        folder = common.TMP / "head-alone"
        shutil.copytree(self.folder, folder)
        save_model(GPT2LMHeadModel.from_pretrained(self.folder), folder / "model.safetensors")
        with safe_open(folder / "model.safetensors", "pt") as file:
            self.assertNotIn("transformer.wte.weight", file.keys(), "the comparison itself: this safetensors keeps the other name")
        self.check_loss(folder)

    def test_loss_beside_other_heads(self):
        for kind in (GPT2ForSequenceClassification, GPT2DoubleHeadsModel):
            with self.subTest(kind=kind.__name__):
                model = kind.from_pretrained(self.folder)
                self.check_loss(models.save_folder(model, common.TMP / kind.__name__))

    def there_and_back(self, name):
        checkpoint, back = common.TMP / f"{name}.pt", common.TMP / name
        common.run("convert", "--from", self.folder, "--to", checkpoint)
        common.run("convert", "--from", checkpoint, "--to", back)
        return back

    def test_there_and_back_is_the_identity(self):
        back = self.there_and_back("back")
        ours, theirs = (GPT2LMHeadModel.from_pretrained(folder) for folder in (back, self.folder))
        self.assertEqual(list(ours.state_dict()), list(theirs.state_dict()))
        for name, weight in theirs.state_dict().items():
            self.assertTrue(torch.equal(ours.state_dict()[name], weight), name)
        for key in ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size", "activation_function", "layer_norm_epsilon",
                    "tie_word_embeddings", "eos_token_id", "model_type"):
            self.assertEqual(getattr(ours.config, key), getattr(theirs.config, key), key)

    def test_tokenizer_goes_along(self):
        tokenizer = GPT2TokenizerFast.from_pretrained(self.there_and_back("tokenizer"))  # from its tokenizer.json
        self.assertEqual(tokenizer.eos_token_id, models.end_of_text())
        for row in self.rows:
            self.assertEqual(tokenizer(row["dialogue"])["input_ids"], models.encoding().encode_ordinary(row["dialogue"]), "ids")

    def test_ctranslate2_writes_the_same(self):
        """A folder that convert wrote, in CTranslate2; where its text is another, both have to be true ties of transformers'."""
        back = self.there_and_back("exported")
        said = models.summarize(back, self.table, common.TMP / "said.csv", max_new_tokens=NEW_TOKENS)
        ctranslate2.converters.TransformersConverter(str(back)).convert(str(common.TMP / "ctranslate2"))
        generator = ctranslate2.Generator(str(common.TMP / "ctranslate2"), device="cpu", compute_type="float32", intra_threads=1)
        prompts = [models.prompt_ids(row) for row in self.rows]
        tokens = GPT2TokenizerFast.from_pretrained(self.folder).convert_ids_to_tokens
        results = generator.generate_batch([tokens(p) for p in prompts], max_length=NEW_TOKENS, beam_size=1, sampling_topk=1,
                                           include_prompt_in_result=False, end_token="<|endoftext|>")
        theirs = [models.text_of(r.sequences_ids[0]) for r in results]
        self.assertGreater(len(set(theirs)), 1)
        reference = reference_text.Reference(models.load_model(self.folder), NEW_TOKENS)
        for prompt, row, b in zip(prompts, said, theirs, strict=True):
            a = models.plain(row["summary"])
            self.assertTrue(a == b or (reference.may_say(prompt, a) and reference.may_say(prompt, b)), f"text {a!a} for {b!a}")
        common.show(f"{sum(models.plain(row['summary']) == b for row, b in zip(said, theirs))} of {len(theirs)} alike")
