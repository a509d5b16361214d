"""Writes a model's card: `cards.py FOLDER NAME VERSION HOW`. What it is worth is measured by the example `judge` of
`playhouse-infer` on held-out scenes, so that cards, tests and benchmarks mean the same by it."""

import json
import os
import subprocess
import sys

from frames import HEIGHT, ROOT, WIDTH
from net import LABELS


def text(name, version, how, told):
    """A card as TOML."""
    lines = [
        f'name = "{name}"', f'version = "{version}"', 'licence = "Apache-2.0"', f'trained_by = "{how}"',
        f'hash = "{told["hash"]}"', f"labels = {json.dumps(LABELS)}", 'output = "centre"', "score = 0.25", "overlap = 0.5",
        "", "[input]", f"width = {WIDTH}", f"height = {HEIGHT}",
    ]
    if "half" in told:
        lines += [
            "", "[precision]", f"half = {told['half']:.4f}", f"strict = {told['strict']:.4f}",
            f'judged_on = "{told["scenes"]} held-out scenes of {told["frames"]} frames each, in all lights"',
            "", "[precision.labels]", *(f"{label} = {value:.4f}" for label, value in told["labels"].items()),
        ]
    return "\n".join(lines) + "\n"


def write(folder, name, version, how):
    """Judges the model in a folder and writes its card there."""
    card = os.path.join(folder, "card.toml")
    with open(card, "w", encoding="utf-8") as file:
        file.write(text(name, version, how, {"hash": "0" * 64}))
    command = ["cargo", "run", "--release", "--quiet", "-p", "playhouse-infer", "--example", "judge", "--"]
    answer = subprocess.run([*command, os.path.abspath(folder)], cwd=ROOT, check=True, capture_output=True, text=True)
    with open(card, "w", encoding="utf-8") as file:
        file.write(text(name, version, how, json.loads(answer.stdout)))
    print(answer.stdout.strip())


if __name__ == "__main__":
    write(*sys.argv[1:5])
