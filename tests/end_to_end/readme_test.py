#!/usr/bin/env python3
"""readme_test.py TRAINER: the table of config keys in configs/README.md is the one the program prints."""
import os
import subprocess
import sys

README = "configs/README.md"
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
printed = subprocess.run([sys.argv[1], "--keys"], stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout.strip()
with open(os.path.join(root, README), encoding="utf-8") as file:
    written = file.read().split("<!-- keys: begin -->")[1].split("<!-- keys: end -->")[0].strip()
if printed != written:
    sys.exit(f"{README}: the table of config keys is out of date; put what ./trainer --keys prints between its two marks")
print(f"{README}: the table of config keys is that of ./trainer --keys")
