"""Trains a detector on virtual scenes and writes it as ONNX: `train.py edge|large [--steps N] [--after MODEL]`.

Seeded: the same steps on the same machine give the same weights. models/README.md says what it needs.
"""

import argparse
import math
import os
import time

import numpy
import torch
from torch import nn

import cards
import frames
import net as nets

BATCH = 16
# A figure of which less is seen is neither asked for nor punished.
LEAST_VISIBLE = 0.3
ROWS, COLUMNS = frames.HEIGHT // nets.CELL, frames.WIDTH // nets.CELL
# How far a picture is magnified: the larger model also looks at crops that sensors are unsure of.
ZOOM = {"edge": (0.85, 1.4), "large": (0.7, 2.6)}


def views(pictures, zoom, dice):
    """Random views of pictures (N x 3 x H x W, 0 to 1), and for each its scale and offset: new = old * scale + offset."""
    count = len(pictures)
    scale = numpy.exp(dice.uniform(math.log(zoom[0]), math.log(zoom[1]), count))
    scale = numpy.where(dice.random(count) < 0.3, 1.0, scale)
    flip = numpy.where(dice.random(count) < 0.5, -1.0, 1.0)
    reach = numpy.abs(scale - 1.0) / 2 + 0.03
    middle = 0.5 + dice.uniform(-1, 1, (count, 2)) * reach[:, None]
    scales = numpy.stack([scale * flip, scale], 1)
    offsets = middle - 0.5 * scales
    theta = numpy.zeros((count, 2, 3), dtype=numpy.float32)
    # grid_sample asks where each new place comes from, in -1 to 1.
    for axis in range(2):
        theta[:, axis, axis] = 1 / scales[:, axis]
        theta[:, axis, 2] = (1 - 2 * offsets[:, axis]) / scales[:, axis] - 1
    grid = nn.functional.affine_grid(torch.from_numpy(theta), pictures.shape, align_corners=False)
    seen = nn.functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    return seen, scales, offsets


def coloured(pictures, dice):
    """Other lights and other sensors."""
    count = len(pictures)
    shape = (count, 1, 1, 1)
    each = lambda low, high, shape=shape: torch.from_numpy(dice.uniform(low, high, shape).astype(numpy.float32))
    x = pictures * each(0.6, 1.35) * each(0.88, 1.12, (count, 3, 1, 1))
    x = (x - 0.4) * each(0.75, 1.25) + 0.4 + each(-0.08, 0.08)
    noise = torch.randn(x.shape) * each(0.0, 0.03)
    return (x + noise).clamp(0, 1)


def targets(figures):
    """What the network should answer to one picture: heat (labels x R x C), its weight (R x C), edges (4 x R x C, in
    cells) and their weight."""
    labels = len(nets.LABELS)
    heat = numpy.zeros((labels, ROWS, COLUMNS), dtype=numpy.float32)
    trust = numpy.ones((labels, ROWS, COLUMNS), dtype=numpy.float32)
    edges = numpy.ones((4, ROWS, COLUMNS), dtype=numpy.float32)
    weight = numpy.zeros((ROWS, COLUMNS), dtype=numpy.float32)
    y, x = numpy.mgrid[0:ROWS, 0:COLUMNS].astype(numpy.float32) + 0.5
    for label, left, top, right, bottom, visible in figures:
        label = int(label)
        left, right, top, bottom = left * COLUMNS, right * COLUMNS, top * ROWS, bottom * ROWS
        across, down = max((right - left) * 0.16, 0.35), max((bottom - top) * 0.12, 0.35)
        column = min(int((left + right) / 2), COLUMNS - 1)
        row = min(int((top + bottom) / 2), ROWS - 1)
        bell = numpy.exp(-((x - column - 0.5) ** 2 / (2 * across**2) + (y - row - 0.5) ** 2 / (2 * down**2)))
        if visible < LEAST_VISIBLE:
            inside = (x > left) & (x < right) & (y > top) & (y < bottom)
            trust[label] = numpy.where(inside, 0.0, trust[label])
            continue
        heat[label] = numpy.maximum(heat[label], bell)
        own = (bell > 0.6) & (bell > weight) & (x > left) & (x < right) & (y > top) & (y < bottom)
        own[row, column] = True
        for n, distance in enumerate([x - left, y - top, right - x, bottom - y]):
            edges[n] = numpy.where(own, numpy.maximum(distance, 0.05), edges[n])
        weight = numpy.where(own, bell, weight)
    return heat, trust, edges, weight


def moved(figures, scales, offsets):
    """Figures as they are in a view."""
    kept = []
    for label, left, top, right, bottom, visible in figures:
        xs = sorted((left * scales[0] + offsets[0], right * scales[0] + offsets[0]))
        ys = (top * scales[1] + offsets[1], bottom * scales[1] + offsets[1])
        area = (xs[1] - xs[0]) * (ys[1] - ys[0])
        left, right = max(xs[0], 0.0), min(xs[1], 1.0)
        top, bottom = max(ys[0], 0.0), min(ys[1], 1.0)
        if right - left > 0.002 and bottom - top > 0.002:
            part = (right - left) * (bottom - top) / area
            kept.append((label, left, top, right, bottom, visible * part))
    return kept


def loss_of(answer, heat, trust, edges, weight):
    """The heat's focal loss (Zhou et al., "Objects as Points", 2019) and the edges' loss by generalised IoU."""
    labels = len(nets.LABELS)
    logits = answer[:, :labels]
    sure, positive = torch.sigmoid(logits), heat >= 0.999
    found = -((1 - sure) ** 2) * nn.functional.logsigmoid(logits) * positive
    other = -((1 - heat) ** 4) * sure**2 * nn.functional.logsigmoid(-logits) * ~positive
    count = positive.sum().clamp(min=1)
    heats = ((found + other) * trust).sum() / count
    raw = answer[:, labels:].clamp(-4, 4.5)
    told = torch.exp(raw)
    width = torch.minimum(told[:, 0], edges[:, 0]) + torch.minimum(told[:, 2], edges[:, 2])
    height = torch.minimum(told[:, 1], edges[:, 1]) + torch.minimum(told[:, 3], edges[:, 3])
    common = width * height
    area = lambda d: (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])
    union = area(told) + area(edges) - common
    hull_width = torch.maximum(told[:, 0], edges[:, 0]) + torch.maximum(told[:, 2], edges[:, 2])
    hull_height = torch.maximum(told[:, 1], edges[:, 1]) + torch.maximum(told[:, 3], edges[:, 3])
    hull = hull_width * hull_height
    giou = common / union - (hull - union) / hull
    total = weight.sum().clamp(min=1)
    boxes = ((1 - giou) * weight).sum() / total
    near = (nn.functional.smooth_l1_loss(raw, torch.log(edges), reduction="none").mean(1) * weight).sum() / total
    return heats + 2 * boxes + 0.5 * near, heats, boxes


def train(size, steps, folder, scenes, seed, out, after):
    """A trained network. What there is by then is written every few hundred steps. With `after`, the training goes on
    where that exported edge model is."""
    torch.manual_seed(seed)
    dice = numpy.random.default_rng(seed)
    pictures, where, truths = frames.read(folder, scenes)
    if after:
        some = numpy.stack([pictures[scene][frame] for scene, frame in where[:: len(where) // 24]])
        net = nets.load(after, "edge", torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255)
        net = net if size == "edge" else nets.grown(net, size)
    else:
        net = nets.Net(size)
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3 if after else 6e-3, total_steps=steps, pct_start=0.08)
    began = time.monotonic()
    for step in range(steps):
        chosen = dice.integers(0, len(where), BATCH)
        batch = numpy.stack([pictures[where[n][0]][where[n][1]] for n in chosen])
        batch = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
        batch, scales, offsets = views(batch, ZOOM[size], dice)
        batch = coloured(batch, dice).contiguous(memory_format=torch.channels_last)
        wanted = [targets(moved(truths[n], scales[k], offsets[k])) for k, n in enumerate(chosen)]
        wanted = [torch.from_numpy(numpy.stack(part)) for part in zip(*wanted)]
        loss, heats, boxes = loss_of(net(batch), *wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        plan.step()
        if step % 50 == 0 or step == steps - 1:
            took = time.monotonic() - began
            print(f"{step:5} loss {loss:.3f} heat {heats:.3f} boxes {boxes:.3f} {took:.0f} s", flush=True)
        if step % 300 == 299:
            nets.export(net, out, frames.HEIGHT, frames.WIDTH)
    return net.eval()


def main():
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("size", choices=list(nets.SIZES))
    asks.add_argument("--steps", type=int, default=3000)
    asks.add_argument("--scenes", type=int, default=200)
    asks.add_argument("--frames", type=int, default=40)
    asks.add_argument("--seed", type=int, default=1)
    asks.add_argument("--folder", default="target/scenes", help="where drawn scenes lie")
    asks.add_argument("--after", default=None, help="an exported edge model to go on from")
    asks.add_argument("--out", default=None)
    told = asks.parse_args()
    torch.set_num_threads(1)
    frames.make(told.folder, told.scenes, told.frames)
    out = told.out or os.path.join(os.path.dirname(os.path.abspath(__file__)), told.size, "model.onnx")
    net = train(told.size, told.steps, told.folder, told.scenes, told.seed, out, told.after)
    nets.export(net, out, frames.HEIGHT, frames.WIDTH)
    weights = sum(part.numel() for part in net.parameters())
    print(f"{out}: {weights} weights, {os.path.getsize(out)} bytes")
    if not told.out:
        after = " --after edge" if told.after else ""
        how = f"models/train.py {told.size} --steps {told.steps} --seed {told.seed}{after}"
        cards.write(os.path.dirname(out), told.size, "1", how)


if __name__ == "__main__":
    main()
