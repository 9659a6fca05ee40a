#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_tokenizer.py ISOFLOP — goal: others read our tokenizer.json as we do.

Method: a second reader and encoder of byte-level BPE, written from the format alone, cuts words character by character
with Python's own Unicode data, joins pairs by rank, and compares with `isoflop tokenizer encode`. Prints TAP.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata


def kind(character):
    if character in "\x1c\x1d\x1e\x1f":  # white space to Python alone
        return "other"
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(character)[0], "other")


def words(text):
    """GPT-2's pattern, read aloud."""
    at = 0
    while at < len(text):
        tail = next((t for t in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(t, at)), None)
        start = at + (text[at] == " ")
        if tail:
            end = at + len(tail)
        elif start < len(text) and kind(text[start]) != "space":
            end = start
            while end < len(text) and kind(text[end]) == kind(text[start]):
                end += 1
        else:
            end = at
            while end < len(text) and kind(text[end]) == "space":
                end += 1
            if end < len(text) and end - at > 1:
                end -= 1
        yield text[at:end]
        at = end


def alphabet():
    """The character for each byte: itself where it can be seen, else the next one from U+0100 on."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {**{b: chr(b) for b in seen}, **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def encode(model, text):
    vocab, letters = model["vocab"], alphabet()
    ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(model["merges"])}
    for word in words(text):
        parts = [letters[byte] for byte in word.encode()]
        while True:
            pairs = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
            if not pairs:
                break
            i = min(pairs)[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        yield from (vocab[part] for part in parts)


def texts(sample):
    yield sample
    draw = random.Random(1)
    ranges = [(32, 127), (9, 14), (0xA0, 0x250), (0x370, 0x500), (0x4E00, 0x4E80), (0x1F600, 0x1F640), (0x2000, 0x2070)]
    for _ in range(20):
        yield "".join(chr(draw.randrange(*draw.choice(ranges))) for _ in range(400))


def main():
    isoflop = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ISOFLOP", "build/isoflop")
    sample = open("README.md", encoding="utf-8").read()[:20000]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokenizer.json")
        subprocess.run([isoflop, "tokenizer", "train", "README.md", "--vocabulary", "600", "-q", "-o", path], check=True)
        model = json.load(open(path, encoding="utf-8"))["model"]
        for number, text in enumerate(texts(sample), 1):
            lines = subprocess.run([isoflop, "tokenizer", "encode", "-t", path, "-"], input=text.encode(),
                                   capture_output=True, check=True).stdout.splitlines()
            same = [int(line.split(b"\t")[0]) for line in lines] == list(encode(model, text))
            print(f"{'ok' if same else 'not ok'} {number} - text {number} is encoded as another reader does")
        print(f"1..{number}")


main()
