"""Frames of many virtual scenes with their truth, drawn by `playhouse-sense`'s example `scenes`.

Scenes of training have the seeds 1000 and up, held-out ones (which the example `judge` draws itself) 9000000 and up.
"""

import json
import os
import random
import subprocess

import numpy

WIDTH, HEIGHT = 320, 240
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FIRST_SEED = 1000


def make(folder, scenes, frames):
    """Draws `scenes` scenes of `frames` frames each into `folder`, unless they are there."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    program = os.path.join(target, "release", "examples", "scenes")
    if not os.path.exists(program):
        command = ["cargo", "build", "--release", "-p", "playhouse-sense", "--example", "scenes"]
        subprocess.run(command, cwd=ROOT, check=True)
    for n in range(scenes):
        out = os.path.join(folder, str(n))
        if os.path.exists(os.path.join(out, "truth.jsonl")):
            continue
        dice = random.Random(n)
        light = dice.choice(["day", "day", "dusk", "flicker"])
        arguments = {
            "--seed": FIRST_SEED + n, "--frames": frames, "--every": 37, "--size": f"{WIDTH}x{HEIGHT}",
            "--people": dice.randint(1, 7), "--objects": dice.randint(0, 5), "--light": light,
            "--noise": round(dice.uniform(0, 12), 1), "--out": out,
        }
        subprocess.run([program, *(str(part) for pair in arguments.items() for part in pair)], check=True)


def read(folder, scenes):
    """All frames (N, HEIGHT, WIDTH, 3; bytes, mapped) and, for each, its figures: rows of label, left, top, right, bottom
    (fractions of the picture) and visible part."""
    pictures, truths = [], []
    for n in range(scenes):
        out = os.path.join(folder, str(n))
        shape = (-1, HEIGHT, WIDTH, 3)
        pictures.append(numpy.memmap(os.path.join(out, "frames.rgb"), dtype=numpy.uint8, mode="r").reshape(shape))
        with open(os.path.join(out, "truth.jsonl"), encoding="utf-8") as lines:
            for line in lines:
                rows = [figure[1:] for figure in json.loads(line)["figures"]]
                truths.append(numpy.array(rows, dtype=numpy.float32).reshape(-1, 6))
    where = [(scene, frame) for scene, part in enumerate(pictures) for frame in range(len(part))]
    return pictures, where, truths
