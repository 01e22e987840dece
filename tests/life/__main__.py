"""A quarter of simulated life: ``python -m tests.life [--seeds 1,2] [--lines 200]``."""

import argparse
import sys

from .quarter import main


def numbers(text):
    return [int(word) for word in text.split(",")]


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=numbers, default=[1])
parser.add_argument("--lines", type=int, default=200)
parser.add_argument("--database", default="saperx_life")
parser.add_argument("--installed", help="a database with the addon, to copy")
options = parser.parse_args()
alike = main(options.seeds, options.lines, options.database, options.installed)
sys.exit(0 if alike else 1)
