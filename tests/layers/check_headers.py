#!/usr/bin/env python3
"""Checks that what needs a header of its own gets it from our files, not by way of some other header: newer compilers and
libraries let such gifts go (GCC 13 <cstdint>, GCC 14 <algorithm>, fmt 11 fmt/ranges.h)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
ALGORITHMS = """adjacent_find all_of any_of binary_search clamp copy copy_if copy_n count count_if equal equal_range fill fill_n find find_if find_if_not
    for_each generate lexicographical_compare lower_bound max max_element merge min min_element minmax mismatch none_of nth_element partial_sort
    partition remove_if replace reverse rotate search set_difference shuffle sort stable_partition stable_sort transform unique upper_bound""".split()
NEEDS = {
    "algorithm": re.compile(rf"\bstd::(ranges::)?({'|'.join(ALGORITHMS)})\("),
    "cstdint": re.compile(r"\bu?int(8|16|32|64)_t\b"),
    "fmt/ranges.h": re.compile(r"\bfmt::join\("),
}


def reached(path, cache={}):
    """All headers that the file includes itself or through files of ours."""
    if path not in cache:
        cache[path] = set()
        for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            cache[path].add(name)
            if (ROOT / name).is_file():
                cache[path] |= reached(ROOT / name)
    return cache[path]


def main():
    files = [path for folder in ("lib", "apps", "tests") for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".h", ".cpp", ".cu", ".cuh"}]
    problems = []
    for path in files:
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        for header, pattern in NEEDS.items():
            use = pattern.search(text)
            if use and header not in reached(path):
                problems.append(f"{path.relative_to(ROOT)}:{text[:use.start()].count(chr(10)) + 1}: {use[0].rstrip('(')} needs #include <{header}>")
    print("\n".join(problems) or f"{len(files)} files include what they use")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
