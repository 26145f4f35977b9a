"""Decoding against transformers' generate: greedy, beams, penalties, and combinations that the seed draws."""
import collections
import itertools
import json
import unittest

import torch
from transformers import GPT2LMHeadModel

import common
import models
from reference_text import Reference

NEW_TOKENS = 20


class Texts(unittest.TestCase):
    """What the classes below share."""

    @classmethod
    def draw_rows(cls, name):
        cls.table = common.TMP / f"{name}.csv"
        cls.rows = common.draw_rows(common.random_for(name), 12, cls.table)
        cls.prompts = [models.prompt_ids(row) for row in cls.rows]

    def check(self, folder, reference, **settings):
        answers = models.summarize(folder, self.table, common.TMP / "said.csv", max_new_tokens=NEW_TOKENS, **settings)
        self.assertEqual([r["id"] for r in answers], [r["id"] for r in self.rows])
        ours = [models.plain(r["summary"]) for r in answers]
        theirs = [reference.text(p, **settings) for p in self.prompts]
        self.assertGreater(len(set(theirs)), 1)
        ties = 0
        for prompt, a, b in zip(self.prompts, ours, theirs):
            if a != b:
                self.assertTrue(reference.may_say(prompt, a, **settings), f"text {a!a} for {b!a} with {settings}")
                ties += 1
        common.show(f"{len(ours) - ties} of {len(ours)} alike, {ties} ties;")


class DecodingPeer(Texts):
    @classmethod
    def setUpClass(cls):
        cls.draw_rows("decoding")
        for bias in (5.0, 6.0, 7.0, 4.0, 8.0, 3.0):  # until some texts end by themselves and some do not
            cls.folder = models.make_folder("decoding", std=0.25, end_bias=bias)
            cls.reference = Reference(models.load_model(cls.folder), NEW_TOKENS)
            ended = sum(models.end_of_text() in cls.reference.ids(p) for p in cls.prompts)
            if 2 <= ended <= len(cls.prompts) - 2:
                return

    def test_greedy(self):
        self.check(self.folder, self.reference)

    def give_twin(self, **settings):
        """(prompt, tokens, folder): the first token of the prompt's text and its twin, an unused token of nearly the same vector in
        the folder's model."""
        words = [t for t in range(models.end_of_text()) if len(models.text_of([t])) > 1]
        prompt, token = next((p, t) for p in self.prompts for t in self.reference.ids(p, **settings)[:1] if t in words)
        twin = next(t for t in words if models.text_of([t]) != models.text_of([token]) and not any(t in p for p in self.prompts))
        model = GPT2LMHeadModel.from_pretrained(self.folder)
        with torch.no_grad():
            model.transformer.wte.weight[twin] = model.transformer.wte.weight[token] * (1 + 3e-7)
        return prompt, [token, twin], models.save_folder(model, common.TMP / "twin")

    def test_greedy_where_tokens_tie(self):
        """Where two tokens have the same score but for rounding, the text with either passes, and only such a text."""
        settings = {"no_repeat_ngram_size": 1}  # so that they tie once
        prompt, tokens, folder = self.give_twin(**settings)
        reference = Reference(models.load_model(folder), NEW_TOKENS)
        self.check(folder, reference, **settings)
        for token in (*tokens, next(t for t in range(models.end_of_text()) if t not in tokens)):
            text = models.text_of([token, *reference.ids([*prompt, token], **settings)][:NEW_TOKENS])
            self.assertEqual(reference.may_say(prompt, text, **settings), token in tokens, ascii(text))

    def test_beams_without_repeated_trigrams(self):
        self.check(self.folder, self.reference, num_beams=4, no_repeat_ngram_size=3)

    def test_beams_with_penalties(self):
        self.check(self.folder, self.reference, num_beams=3, length_penalty=1.5, repetition_penalty=1.2, min_new_tokens=6)

    def test_padded_vocabulary(self):
        """Ids that the vocabulary has no token for are never chosen, much as the model likes them: texts are those of the model without."""
        model = GPT2LMHeadModel.from_pretrained(self.folder)
        table = model.transformer.wte.weight.detach()
        with torch.no_grad():
            model.resize_token_embeddings(len(table) + 47, mean_resizing=False)
            model.transformer.wte.weight[len(table):] = table[:47] * 1.1  # each as a token, but more so
        folder = models.save_folder(model, common.TMP / "padded")
        padded = Reference(models.load_model(folder), NEW_TOKENS)
        self.assertTrue(any(max(padded.ids(p)) >= len(table) for p in self.prompts), "no padded id is liked")
        self.check(folder, self.reference)
        self.check(folder, self.reference, num_beams=3)


class CombinationsPeer(Texts):
    """Settings that the seed draws: length penalties of both signs, each with both ways to stop."""

    @classmethod
    def setUpClass(cls):
        cls.draw_rows("combinations")
        rng = common.random_for("settings")
        cls.settings = [{"num_beams": rng.randrange(2, 5), "length_penalty": round(rng.uniform(*penalties), 3), "early_stopping": early,
                         "no_repeat_ngram_size": size, "min_new_tokens": rng.randrange(1, 5),
                         "repetition_penalty": round(rng.choice((rng.uniform(0.85, 0.95), rng.uniform(1.1, 1.5))), 3)}
                        for size, (penalties, early) in zip(rng.sample((0, 2, 2, 3), 4), itertools.product(((1.0, 2.5), (-2.5, -0.3)), (True, False)))]
        for attempt in range(20):
            cls.folder = models.make_folder(f"combinations-{attempt}", std=0.25, end_bias=rng.uniform(4, 8))
            cls.reference = Reference(models.load_model(cls.folder), NEW_TOKENS)
            if cls.stopping_matters():
                common.show(f"(model {attempt})")
                return
        raise ValueError("no model in which early_stopping matters")

    @classmethod
    def stopping_matters(cls):
        """Whether early_stopping decides about a text: it seldom does, and a comparison without such a text would not see it."""
        settings = cls.settings[0]
        return any(cls.reference.text(p, **settings) != cls.reference.text(p, **{**settings, "early_stopping": False}) for p in cls.prompts)

    def test_drawn_combinations(self):
        for settings in self.settings:
            with self.subTest(**settings):
                self.check(self.folder, self.reference, **settings)


class FolderPeer(Texts):
    """What a folder's generation_config.json says: several end tokens, and settings."""

    @classmethod
    def setUpClass(cls):
        """End tokens are drawn until some texts end at <|endoftext|>, some at another one, and some not at all."""
        cls.draw_rows("folder")
        rng = common.random_for("end tokens")
        for attempt in range(40):
            cls.folder = models.make_folder(f"folder-{attempt}", std=0.25, end_bias=rng.uniform(3, 7))
            model = models.load_model(cls.folder)
            plain = [Reference(model, NEW_TOKENS).ids(p) for p in cls.prompts]
            later = collections.Counter(t for ids in plain for t in ids[2:] if not any(t in other[:2] for other in plain))
            others = sorted(later.keys() - {models.end_of_text()})
            if len(others) < 2:
                continue
            cls.ends = rng.sample([models.end_of_text(), *rng.sample(others, 2)], 3)
            cls.reference = Reference(model, NEW_TOKENS, cls.ends)
            last = {t if t in cls.ends else None for t in (cls.reference.ids(p)[-1] for p in cls.prompts)}
            if {models.end_of_text(), None} < last:
                cls.set_generation(eos_token_id=cls.ends)
                common.show(f"(model {attempt})")
                return
        raise ValueError("no model whose texts end in each way")

    @classmethod
    def set_generation(cls, **settings):
        (cls.folder / "generation_config.json").write_text(json.dumps(settings))

    def test_several_end_tokens(self):
        for settings in ({}, {"min_new_tokens": 5}, {"num_beams": 2}, {"num_beams": 3, "no_repeat_ngram_size": 2, "min_new_tokens": 3},
                         {"num_beams": 4, "length_penalty": 1.5, "early_stopping": "never"}, {"num_beams": 4, "early_stopping": True}):
            with self.subTest(**settings):
                self.check(self.folder, self.reference, **settings)

    def test_settings(self):
        """Nothing is typed: both take what the folder says."""
        rng = common.random_for("folder settings")
        settings = {"num_beams": rng.randrange(2, 4), "no_repeat_ngram_size": 2, "repetition_penalty": 1.2, "length_penalty": 0.5,
                    "early_stopping": rng.choice([True, False, "never"]), "min_new_tokens": 4}
        self.addCleanup(self.set_generation, eos_token_id=self.ends)
        self.set_generation(eos_token_id=self.ends, max_new_tokens=NEW_TOKENS, **settings)
        said = common.TMP / "said.csv"
        common.run("summarize", "--model", self.folder, "--input", self.table, "--output", said, "--run.device=cpu")
        theirs = models.load_model(self.folder).generate
        for prompt, answer in zip(self.prompts, common.read_table(said), strict=True):
            with torch.inference_mode():
                ids = theirs(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), pad_token_id=models.end_of_text())
            a, b = models.plain(answer["summary"]), models.text_of(ids[0, len(prompt):].tolist(), self.ends)
            self.assertTrue(a == b or self.reference.may_say(prompt, a, **settings), f"text {a!a} for {b!a} with {settings}")
