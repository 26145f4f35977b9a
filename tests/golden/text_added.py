#!/usr/bin/env python3
"""Makes text_added/ and text_added.jsonl of this folder: what tests/text compares added tokens with.

text_added/       text_vocab with added tokens of every kind, as transformers 5.24.0 saves it: tokenizer.json (merges as pairs), tokenizer_config.json
text_added.jsonl  [text, ids, text of the ids, the same without special tokens] by tokenizers 0.23.3 from that tokenizer.json
Usage: pip install transformers==5.24.0 tokenizers==0.23.3; tests/golden/text_added.py
"""
import json
import pathlib
import random
import shutil

from tokenizers import AddedToken, Tokenizer
from transformers import GPT2Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
SPECIAL = [AddedToken("<pad>"), AddedToken("<sep>", lstrip=True, rstrip=True), AddedToken("<|end", normalized=True)]
PLAIN = ["#Person1#", "#Person2#", " spaced token", AddedToken("ticket", single_word=True), AddedToken("日本", rstrip=True), AddedToken("#Person", normalized=False),
         AddedToken("<p", lstrip=True)]
PARTS = ["#Person1#", "#Person2#:", "<pad>", "<sep>", " <sep>  ", " ", "\n", "\u3000", " spaced token", "spaced token", "ticket", "tickets", "the old car", "_",
         "日本", "本日", "<p", "<|end", "<|", "é", "🙂", "x", "1", "."]


def main():
    tokenizer = GPT2Tokenizer(vocab=str(HERE / "text_vocab/vocab.json"), merges=str(HERE / "text_vocab/merges.txt"))
    tokenizer.add_special_tokens({"pad_token": SPECIAL[0], "additional_special_tokens": SPECIAL[1:]})
    tokenizer.add_tokens(PLAIN)
    folder = HERE / "text_added"
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer.save_pretrained(folder)
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rng = random.Random(5)
    lines = []
    for _ in range(800):
        text = "".join(rng.choice(PARTS) for _ in range(rng.randrange(1, 12)))
        ids = reference.encode(text, add_special_tokens=False).ids
        lines.append(json.dumps([text, ids, reference.decode(ids, skip_special_tokens=False), reference.decode(ids, skip_special_tokens=True)]))
    (HERE / "text_added.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
