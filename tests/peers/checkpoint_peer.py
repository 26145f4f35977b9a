"""Checkpoints in nanoGPT's form: ours in torch, and torch's in ours."""
import json
import unittest

import numpy as np
import torch
from transformers import GPT2LMHeadModel

import common
import models
import recipe
from reference_text import Reference

RECIPE = recipe.Recipe(learning_rate=2e-3, min_lr=2e-3, warmup=0, iterations=5, clip=1.0)
ROWS, SAVED = 8, 3  # the iteration after which the one side hands over to the other
NEW_TOKENS = 8
# Forms of a checkpoint: prefix of its names (torch.compile and data parallel leave theirs), biases, the masks that nanoGPT keeps without
# flash attention.
FORMS = {"plain": ("", True, False), "compiled": ("_orig_mod.", True, True), "unbiased": ("_orig_mod.", False, False),
         "wrapped": ("module._orig_mod.", True, False)}


def without_biases(model):
    """As nanoGPT's with bias False: transformers has no such model, but biases of zero that stay so compute the same."""
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            parameter.requires_grad_(False).zero_()
    return model


def torch_model(folder, bias):
    """In float64; nanoGPT's activation is the exact GELU, which the folder has, too."""
    model = models.load_model(folder)
    return model if bias else without_biases(model)


def save_as_nanogpt(path, model, optimizer, prefix, bias, masks):
    """What nanoGPT's trainer saves: torch's own objects, float32, under its names and with its shapes."""
    weights = {name: recipe.as_linear(name, p.detach()).float() for name, p in model.named_parameters() if bias or p.requires_grad}
    weights["lm_head.weight"] = weights["transformer.wte.weight"]
    if masks:
        mask = torch.ones(models.POSITIONS, models.POSITIONS).tril()[None, None]
        weights.update({f"transformer.h.{i}.attn.bias": mask for i in range(models.LAYERS)})
    state = optimizer.state_dict()
    names = recipe.optimizer_names(model)
    state["state"] = {i: {key: value if key == "step" else recipe.as_linear(names[i], value).float() for key, value in entry.items()}
                      for i, entry in state["state"].items()}
    arguments = {"n_layer": models.LAYERS, "n_head": models.HEADS, "n_embd": models.WIDTH, "block_size": models.POSITIONS, "bias": bias,
                 "vocab_size": models.end_of_text() + 1, "dropout": 0.0}
    torch.save({"model": {prefix + name: weight for name, weight in weights.items()}, "optimizer": state, "model_args": arguments,
                "iter_num": np.int64(SAVED), "best_val_loss": np.float64(9.0) if masks else torch.tensor(9.0),
                "config": {"dataset": "dialogues", "compile": bool(prefix), "dtype": "float32", "learning_rate": 2e-3}}, path)


class TorchCheckpointPeer(unittest.TestCase):
    """Checkpoints that torch has made, in each form, after some iterations of its own."""

    @classmethod
    def setUpClass(cls):
        cls.table = common.TMP / "torch-checkpoint.csv"
        cls.rows = common.draw_rows(common.random_for("torch checkpoint"), ROWS, cls.table)
        cls.folder = models.make_folder("torch-checkpoint", activation="gelu")
        cls.models, cls.next = {}, {}
        for form, (prefix, bias, masks) in FORMS.items():
            model = torch_model(cls.folder, bias)
            optimizer = RECIPE.optimizer(p for p in model.parameters() if p.requires_grad)
            for i in range(SAVED):
                RECIPE.iterate(model, optimizer, cls.rows, i)
            cls.path(form).parent.mkdir()
            save_as_nanogpt(cls.path(form), model, optimizer, prefix, bias, masks)
            models.add_vocabulary(cls.path(form).parent)  # it has none of its own
            cls.models[form] = torch_model(cls.folder, bias)
            cls.models[form].load_state_dict(model.state_dict())
            cls.next[form] = [RECIPE.iterate(model, optimizer, cls.rows, i)[0] for i in range(SAVED, RECIPE.iterations)]

    @staticmethod
    def path(form):
        return common.TMP / f"nanogpt-{form}/ckpt.pt"

    def each_form(self, check):
        for form in FORMS:
            with self.subTest(form=form):
                check(form, self.path(form), self.models[form])

    def test_loss(self):
        self.each_form(self.check_loss)

    def test_summaries(self):
        self.each_form(self.check_summaries)

    def test_conversion_to_a_folder(self):
        self.each_form(self.check_conversion)

    def test_training_goes_on(self):
        self.each_form(self.check_training)

    def check_loss(self, form, path, model):
        with torch.inference_mode():
            theirs = models.batch_loss(model, self.rows).item()
        gap = abs(models.val_loss(path, self.table, f"loss-{form}") - theirs) / theirs
        common.show(f"{gap:.1e}")
        self.assertLess(gap, 1e-6, "val_loss")

    def check_summaries(self, form, path, model):
        reference = Reference(model, NEW_TOKENS)
        answers = models.summarize(path, self.table, common.TMP / f"said-{form}.csv", max_new_tokens=NEW_TOKENS)
        for row, answer in zip(self.rows, answers, strict=True):
            self.assertTrue(reference.may_say(models.prompt_ids(row), models.plain(answer["summary"])), f"text {answer['summary']!a}")

    def check_conversion(self, form, path, model):
        folder = common.TMP / f"converted-{form}"
        common.run("convert", "--from", path, "--to", folder)
        converted = GPT2LMHeadModel.from_pretrained(folder)
        self.assertEqual(converted.config.activation_function, "gelu")
        for name, weight in model.state_dict().items():
            self.assertTrue(torch.equal(converted.state_dict()[name], weight.float()), name)

    def check_training(self, form, path, _):
        out = common.TMP / f"resumed-{form}"
        config = models.write_config(common.TMP / "resume.json", self.table, RECIPE.settings("scratch", self.rows))
        common.run("trainer", config, "--stages=train", f"--run.resume={path}", f"--run.out_dir={out}")
        records = models.train_records(out)
        self.assertEqual([r["iter"] for r in records], list(range(SAVED, RECIPE.iterations)))
        gap = common.largest_gap([r["loss"] for r in records], self.next[form])
        common.show(f"{gap:.1e}")
        self.assertLess(gap, 1e-5, "loss")


class OurCheckpointPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Iterations to SAVED, whose checkpoint is kept, and from there to the end."""
        cls.rows = common.draw_rows(common.random_for("our checkpoint"), ROWS, common.TMP / "our-checkpoint.csv")
        cls.folder = models.make_folder("our-checkpoint")
        out = common.TMP / "our-run"
        config = models.write_config(common.TMP / "our.json", common.TMP / "our-checkpoint.csv", RECIPE.settings(cls.folder, cls.rows))
        common.run("trainer", config, "--stages=train", f"--run.out_dir={out}", f"--train.max_iters={SAVED}")
        cls.checkpoint = torch.load(out / "last.pt", weights_only=True)
        common.run("trainer", config, "--stages=train", f"--run.out_dir={out}")
        cls.losses = [r["loss"] for r in models.train_records(out)]
        cls.best = torch.load(out / "ckpt.pt", weights_only=True)
        records = map(json.loads, (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        cls.val_losses = {r["iter"]: r["val_loss"] for r in records if r["kind"] == "eval"}

    def test_entries(self):
        self.assertEqual(self.checkpoint["iter_num"], SAVED)
        wanted = {"n_layer": models.LAYERS, "n_head": models.HEADS, "n_embd": models.WIDTH, "block_size": models.POSITIONS, "bias": True,
                  "vocab_size": models.end_of_text() + 1, "dropout": 0.0}
        self.assertEqual(self.checkpoint["model_args"], wanted)
        weights = self.checkpoint["model"]
        self.assertTrue(torch.equal(weights["lm_head.weight"], weights["transformer.wte.weight"]))
        for group, decay in zip(self.checkpoint["optimizer"]["param_groups"], (RECIPE.decay, 0.0), strict=True):
            self.assertEqual((group["weight_decay"], tuple(group["betas"]), group["eps"]), (decay, RECIPE.betas, RECIPE.eps), "group")

    def test_best_checkpoint(self):
        """By the loss of the evaluations, which torch finds in its weights, too."""
        best = min(self.val_losses, key=self.val_losses.get)
        self.assertEqual(self.best["iter_num"], best)
        model = models.load_model(self.folder)
        self.load_weights(model, self.best)
        with torch.inference_mode():
            theirs = models.batch_loss(model, self.rows).item()
        for ours in (float(self.best["best_val_loss"]), self.val_losses[best]):
            self.assertLess(abs(ours - theirs) / theirs, 1e-5, "val_loss")

    @staticmethod
    def load_weights(model, checkpoint):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(recipe.as_linear(name, checkpoint["model"][name]))

    def test_torch_goes_on(self):
        """With the weights and the optimizer's state, which it must accept as its own."""
        model = models.load_model(self.folder)
        self.load_weights(model, self.checkpoint)
        optimizer = RECIPE.optimizer(model.parameters())
        state, names = self.checkpoint["optimizer"], recipe.optimizer_names(model)
        for i, entry in state["state"].items():
            self.assertEqual(int(entry["step"]), SAVED)
            state["state"][i] = {key: value if key == "step" else recipe.as_linear(names[i], value) for key, value in entry.items()}
        optimizer.load_state_dict(state)
        theirs = [RECIPE.iterate(model, optimizer, self.rows, i)[0] for i in range(SAVED, RECIPE.iterations)]
        gap = common.largest_gap(self.losses[SAVED:], theirs)
        common.show(f"loss {gap:.1e}")
        self.assertLess(gap, 1e-5, "loss")
