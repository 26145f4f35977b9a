#!/usr/bin/env python3
"""Writes unicode_tables.inc: which code points GPT-2's pattern calls \\p{L}, \\p{N} and \\s, as of Unicode 16.0.

That is the version of the regex engine inside tiktoken 0.14.0; with tiktoken installed, every code point is compared.
Needs: pip install unicodedata2==16.0.0 [tiktoken]. Usage: make_unicode_tables.py > unicode_tables.inc
"""
import sys
import unicodedata2 as unicode

assert unicode.unidata_version == "16.0.0", unicode.unidata_version
OTHER, LETTER, NUMBER, SPACE = range(4)  # CharClass in unicode_classes.h
# White_Space of PropList.txt; Python's str.isspace has four more (U+001C to U+001F).
WHITE = {*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def char_class(c):
    kind = unicode.category(chr(c))[0]
    return SPACE if c in WHITE else LETTER if kind == "L" else NUMBER if kind == "N" else OTHER


def compare_with_tiktoken(classes):
    import tiktoken
    for pattern, wanted in ((r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", SPACE)):
        encoding = tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={})
        for c, found in enumerate(classes):
            if not 0xD800 <= c < 0xE000 and bool(encoding.encode_ordinary(chr(c))) != (found == wanted):
                sys.exit(f"U+{c:04X} is {found} here, but tiktoken {tiktoken.__version__} sees {pattern} otherwise")


def lines(values, form, per_line):
    for i in range(0, len(values), per_line):
        yield "    " + ", ".join(form(v) for v in values[i:i + per_line]) + ","


def main():
    classes = [char_class(c) for c in range(0x110000)]
    try:
        compare_with_tiktoken(classes)
    except ImportError:
        print("tiktoken is not installed: not compared", file=sys.stderr)
    pages, index = [], []
    last = max(c for c, found in enumerate(classes) if found != OTHER)
    for start in range(0, last + 1, 256):
        page = tuple(sum(classes[start + w * 32 + k] << 2 * k for k in range(32)) for w in range(8))
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    assert len(pages) <= 256
    print("// Made by make_unicode_tables.py from Unicode 16.0; two bits a code point, 256 code points a page.")
    print(f"inline constexpr uint32_t kNumPages = {len(index)};  // beyond them: all kOther")
    print("inline constexpr uint8_t kPageOf[kNumPages] = {")
    print("\n".join(lines(index, str, 20)))
    print("};")
    print(f"inline constexpr uint64_t kPages[{len(pages)}][8] = {{")
    for page in pages:
        print("    {" + ",\n     ".join(", ".join(f"0x{v:016x}" for v in page[i:i + 4]) for i in (0, 4)) + "},")
    print("};")


main()
