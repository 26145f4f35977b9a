"""bpe against tiktoken and transformers' GPT-2 tokenizer, with a vocabulary that bpe has just learnt."""
import json
import unittest

from tokenizers import AddedToken
from transformers import GPT2TokenizerFast

import common
import models

SPACES = [*" \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2009\u2028\u202f\u3000", "\u200b", "\ufeff", "  ", "\r\n", "\n\n "]
WORDS = ["'s", "'LL", "'ve", "\u2019s", "<|endoftext|>", "I'll've", "#Person1#:", "e\u0301", "१२३", "Ⅷ", "½", "ﬁ", "İ", "한국어", "🏳️‍🌈", "🇩🇪",
         "\0", "\x1b[0m", "\U0010fffd", "hello", "The", "12345", "...", "!?", "__init__", '="', "\\n"]


def nasty_text(rng):
    choices = [lambda: rng.choice(SPACES), lambda: rng.choice(WORDS), lambda: rng.choice(common.assigned_characters()),
               lambda: chr(rng.randrange(128)), lambda: rng.choice((*SPACES, *WORDS, "a", "é", "!")) * rng.randrange(1, 12)]
    return "".join(rng.choice(choices)() for _ in range(rng.choice((1, 2, 3, 6, 12, 30))))


class TokenizerPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = common.random_for("tokenizer")
        rows = common.draw_rows(rng, 100)
        cls.texts = [r[key] for r in rows for key in ("dialogue", "summary")] + [nasty_text(rng) for _ in range(6000)] + ["", " "]
        cls.texts.append("".join(rng.sample(common.assigned_characters(), 4000)))
        cls.texts += [c * rng.randrange(200, 4000) for c in ("a", " ", "\n", "0", "é", "🙂", " \n", "ab")]
        lines = "".join(json.dumps(t, ensure_ascii=rng.random() < 0.5) + "\n" for t in cls.texts)
        cls.encoded = [json.loads(l) for l in cls.bpe("encode", lines)]
        cls.wanted = [models.encoding().encode_ordinary(t) for t in cls.texts]

    @staticmethod
    def bpe(command, lines):
        return common.run("bpe", command, "--vocab", common.vocabulary(), "--jsonl", stdin=lines).split("\n")[:-1]

    def test_ids_are_those_of_tiktoken(self):
        self.assertEqual(len(self.encoded), len(self.texts))
        for text, ours, theirs in zip(self.texts, self.encoded, self.wanted):
            self.assertEqual(ours, theirs, f"ids of {text[:200]!a}")

    def test_ids_are_those_of_transformers(self):
        tokenizer = GPT2TokenizerFast.from_pretrained(common.vocabulary())
        ordinary = [(t, ids) for t, ids in zip(self.texts, self.encoded) if "<|endoftext|>" not in t]  # special to transformers
        self.assertGreater(len(ordinary), 1000)
        for (text, ours), theirs in zip(ordinary, tokenizer([t for t, _ in ordinary])["input_ids"]):
            self.assertEqual(ours, theirs, f"ids of {text[:200]!a}")

    def test_decoding_gives_the_text_back(self):
        decoded = [json.loads(l) for l in self.bpe("decode", "".join(f"{json.dumps(ids)}\n" for ids in self.wanted))]
        self.assertEqual(decoded, self.texts, "texts")

    def test_any_ids_decode_to_the_text_of_tiktoken(self):
        """Which need not be whole characters."""
        rng = common.random_for("decode")
        lists = [[rng.randrange(models.end_of_text() + 1) for _ in range(rng.randrange(30))] for _ in range(1000)]
        decoded = [json.loads(l) for l in self.bpe("decode", "".join(f"{json.dumps(ids)}\n" for ids in lists))]
        self.assertEqual(decoded, [models.encoding().decode(ids) for ids in lists], "texts")

    def test_lone_surrogates_are_those_of_tiktoken(self):
        rng = common.random_for("surrogates")
        parts = ["\ud83d", "\udc00", "\U0001f600", "a", " ", "\n"]
        texts = ["".join(rng.choice(parts) for _ in range(rng.randrange(1, 8))) for _ in range(500)]
        encoded = [json.loads(l) for l in self.bpe("encode", "".join(json.dumps(t) + "\n" for t in texts))]
        self.assertEqual(encoded, [models.encoding().encode_ordinary(t) for t in texts], "ids")


class SavedTokenizerPeer(unittest.TestCase):
    """Folders that transformers saved, with tokenizer.json alone, and tokens added to the vocabulary."""

    def test_ids_are_those_of_transformers(self):
        rng = common.random_for("added tokens")
        pool = ["#Person1#", "#Person2#", "<pad>", "<sep>", "hello", "there", "a b", "é", "日本", "__", "12"]
        with_added = 0
        for attempt in range(6):
            tokenizer = GPT2TokenizerFast.from_pretrained(common.vocabulary())
            rng.shuffle(pool)
            flags = ("lstrip", "rstrip", "single_word", "normalized")
            added = [AddedToken(content, **{flag: rng.random() < 0.3 for flag in flags}) for content in pool[:rng.randrange(2, 9)]]
            special = added[:len(added) // 2]
            tokenizer.add_special_tokens({"additional_special_tokens": special})
            tokenizer.add_tokens(added[len(special):])
            folder = common.TMP / f"saved-{attempt}"
            tokenizer.save_pretrained(folder)
            self.assertFalse((folder / "vocab.json").exists(), "this transformers writes vocab.json, too")
            parts = [*pool, " ", "  ", "\u3000", "x", ".", "\n", "The"]
            texts = ["".join(rng.choice(parts) for _ in range(rng.randrange(1, 12))) for _ in range(400)]
            lines = common.run("bpe", "encode", "--vocab", folder, "--jsonl", stdin="".join(json.dumps(t) + "\n" for t in texts))
            for text, ids, theirs in zip(texts, map(json.loads, lines.split("\n")[:-1]), tokenizer(texts)["input_ids"], strict=True):
                self.assertEqual(ids, theirs, f"ids of {text!a}, added {[str(t) for t in added]}")
                with_added += max(ids) > models.end_of_text()
        self.assertGreater(with_added, 500)
