#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""unicode.py [UnicodeData.txt] — prints engine/data/unicode_table.c: which code points are letters and numbers.

    apt-get install unicode-data && scripts/unicode.py > engine/data/unicode_table.c

UnicodeData.txt has a line per code point, its third field the general category; a range is two lines, whose names
end in "First>" and "Last>". Neighbours of one kind become one range.
"""
import sys

PATH = "/usr/share/unicode/UnicodeData.txt"
VERSION = "15.0"


def categories(path):
    """Pairs of code point and category, ranges written out."""
    first = None
    with open(path, encoding="ascii") as file:
        for line in file:
            code, name, category = line.split(";")[:3]
            code = int(code, 16)
            if name.endswith("First>"):
                first = code
                continue
            start, first = (code, None) if first is None else (first, None)
            for point in range(start, code + 1):
                yield point, category


def ranges(points):
    found = []
    for point in points:
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found


def table(name, found):
    lines, line = [], "   "
    for first, last in found:
        cell = " {0x%X, 0x%X}," % (first, last)
        if len(line) + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += cell
    lines.append(line)
    rows = "\n".join(lines)
    print(f"\nconst struct unicode_range {name}[] = {{\n{rows}\n}};")
    print(f"const int {name}_count = sizeof {name} / sizeof *{name};")


def main():
    points = list(categories(sys.argv[1] if len(sys.argv) > 1 else PATH))
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* unicode_table.c — made by scripts/unicode.py from the Unicode Character Database {VERSION}. */")
    print('#include "engine/data/unicode.h"')
    table("unicode_letters", ranges(point for point, category in points if category.startswith("L")))
    table("unicode_numbers", ranges(point for point, category in points if category.startswith("N")))


main()
