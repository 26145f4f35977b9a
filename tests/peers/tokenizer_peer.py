"""bpe against tiktoken and transformers' GPT-2 tokenizer, with a vocabulary that bpe has just learnt."""
import json
import unittest

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
