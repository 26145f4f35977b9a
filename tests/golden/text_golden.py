#!/usr/bin/env python3
"""Makes the text_* files of this folder: what tests/text compares with.

text_corpus.jsonl    texts to train on, written here
text_vocab/          the vocabulary that Hugging Face tokenizers 0.23.3 learns from them; <|endoftext|> added last
text_encodings.jsonl [text, ids] by tiktoken 0.14.0 with that vocabulary
text_classes.txt     first code point, last, class: what the regex engine of tiktoken 0.14.0 takes for \\p{L}, \\p{N}, \\s
text_replaced.jsonl  [bytes in hexadecimal, text] by Python's bytes.decode("utf-8", "replace")
Usage: pip install tokenizers==0.23.3 tiktoken==0.14.0; tests/golden/text_golden.py
"""
import json
import os
import pathlib
import random
import unicodedata

import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent
PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
VOCAB_SIZE = 800
rng = random.Random(20)

PEOPLE = ["Anna", "Ben", "Doctor Hill", "Mrs. O'Neil", "the manager", "my sister", "Zoë", "Jürgen"]
THINGS = ["the ticket", "a new phone", "our meeting", "the old car", "some coffee", "her birthday party", "the rent",
          "that interview", "the weather report", "an appointment", "two bottles of milk", "the train to Kraków"]
VERBS = ["forgot", "is looking for", "wants to talk about", "can't find", "doesn't like", "has already paid for",
         "will bring", "would rather not discuss", "asked me about", "should've prepared"]
ENDS = [".", "!", "?", "...", ", right?", " -- I'm sure.", ", isn't it?!", " (really)."]
FOREIGN = ["¿Dónde está la estación?", "Это очень интересный разговор.", "今日は天気がいいですね。", "这个问题很重要。",
           "안녕하세요, 반갑습니다.", "مرحبا كيف حالك", "नमस्ते दुनिया १२३", "Γειά σου Κόσμε", "👍🏽 ok 🙂🙂🙂", "naïve café"]
SPACES = [*" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000", "\u180e", "\u200b", "\u2060",
          "\ufeff", "  ", "\r\n", "\n\n "]
WORDS = ["'s", "'t", "'ll", "'ve", "'re", "'d", "'m", "'S", "'LL", "'l", "'v", "'", "\u2019s", "''", "'s's", "<|endoftext|>", "<|endoftext",
         " <|endoftext|> ", "don't", "I'll've", "#Person1#:", "summary:", "e\u0301", "a\u0308\u0323", "१२३", "٤٥", "Ⅷ", "½", "²", "一二三",
         "ﬁ", "İ", "ß", "\u212a", "\0", "\x7f", "\x1b[0m", "\ue000", "\U0010fffd", "\U0001d7ce", "\U00020000", "hello", "The", "aaaa",
         "12345", "...", "!?", "_", "__init__", '="', "\\n", *FOREIGN]


def utterance():
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(FOREIGN)
    if kind < 0.15:
        return rng.choice(["h" + "a" * rng.randrange(1, 30), "hahahahaha", "no " * 9, "-" * 40, "a" * 101, "    indented", "1,234.56"])
    return f"{rng.choice(PEOPLE)} {rng.choice(VERBS)} {rng.choice(THINGS)}{rng.choice(ENDS)}"


def corpus():
    return ["\n".join(f"#Person{1 + i % 2}#: {utterance()}" for i in range(rng.randrange(2, 8))) for _ in range(120)]


def train(texts, folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE - 1, min_frequency=2, special_tokens=[], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = dict(sorted(model["vocab"].items(), key=lambda entry: entry[1]))
    vocab["<|endoftext|>"] = len(vocab)
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n", encoding="utf-8")
    pairs = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs]) + "\n", encoding="utf-8")


def nasty(assigned):
    parts = []
    for _ in range(rng.choice((1, 2, 3, 6, 12))):
        kind = rng.randrange(5)
        parts.append(rng.choice(SPACES) if kind == 0 else rng.choice(WORDS) if kind == 1 else rng.choice(assigned) if kind == 2
                     else chr(rng.randrange(128)) if kind == 3 else rng.choice((*SPACES, *WORDS, "a", "é", "!")) * rng.randrange(1, 9))
    return "".join(parts)


def classes():
    found = ["other"] * 0x110000
    for pattern, name in ((r"\p{L}", "letter"), (r"\p{N}", "number"), (r"\s", "space")):
        encoding = tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={})
        for c in range(0x110000):
            if not 0xD800 <= c < 0xE000 and encoding.encode_ordinary(chr(c)):
                found[c] = name
    lines, first = [], 0
    for c in range(1, 0x110001):
        if c == 0x110000 or found[c] != found[first]:
            if found[first] != "other":
                lines.append(f"{first:X} {c - 1:X} {found[first]}")
            first = c
    return lines


def write_json_lines(name, values):
    (HERE / name).write_text("".join(json.dumps(v) + "\n" for v in values), encoding="utf-8")


def random_bytes():
    pool = [b"a", b" ", "é".encode(), "日".encode(), "🙂".encode(), b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xff"]
    return b"".join(rng.choice(pool) if rng.random() < 0.7 else bytes([rng.randrange(256)]) for _ in range(rng.randrange(1, 9)))


def main():
    texts = corpus()
    write_json_lines("text_corpus.jsonl", texts)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    train(texts, HERE / "text_vocab")
    ranks = data_gym_to_mergeable_bpe_ranks(str(HERE / "text_vocab/merges.txt"), str(HERE / "text_vocab/vocab.json"))
    encoding = tiktoken.Encoding("golden", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": len(ranks)})
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    samples = texts[:20] + ["", " ", "".join(rng.sample(assigned, 500))] + [nasty(assigned) for _ in range(700)]
    samples += [c * n for c in "a !\n0é🙂\u0301" for n in (15, 16, 17, 63, 64, 65, 95, 96, 97, 257)] + [" \n" * 300, "ab" * 200]
    write_json_lines("text_encodings.jsonl", [[t, encoding.encode_ordinary(t)] for t in samples])
    (HERE / "text_classes.txt").write_text("\n".join(classes()) + "\n")
    write_json_lines("text_replaced.jsonl", [[b.hex(), b.decode("utf-8", "replace")] for b in (random_bytes() for _ in range(400))])


main()
