"""Judges how devices of AITRIOS are read and written. Usage: judge.py EXAMPLE FOLDER

EXAMPLE is the built crates/sense/examples/aitrios.rs. FOLDER has objectdetection.fbs, what flatc generated of it for
Python (SmartCamera), and the program `reader`. Ends with the number of checks that passed, and 1 if one failed.
"""

import base64
import datetime
import json
import pathlib
import random
import struct
import subprocess
import sys

example, folder = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(folder))

import flatbuffers
from SmartCamera import BoundingBox, BoundingBox2d, GeneralObject, ObjectDetectionData, ObjectDetectionTop

EDGES = ("left", "top", "right", "bottom")
schema = str(folder / "objectdetection.fbs")
chance = random.Random(4)
passed = failed = 0


def check(name, got, wanted):
    global passed, failed
    if got == wanted:
        passed += 1
    else:
        failed += 1
        print(f"{name}:\n  got    {got}\n  wanted {wanted}")


def command(arguments, given):
    result = subprocess.run(arguments, input=given, capture_output=True, timeout=60)
    return result.stdout if result.returncode == 0 else result.stderr


def ours(verb, size, given):
    return command([example, verb, *map(str, size)], given)


def by_flatc(metadata):
    (folder / "ours.bin").write_bytes(metadata)
    subprocess.run(["flatc", "--json", "--strict-json", "--raw-binary", "--defaults-json", "-o", folder, schema, "--",
                    folder / "ours.bin"], check=True, timeout=60)
    read = json.loads((folder / "ours.json").read_text())
    return [(one["class_id"], *(one["bounding_box"][edge] for edge in EDGES),
             one["score"]) for one in read["perception"]["object_detection_list"]]


def by_cpp(metadata):
    lines = command([str(folder / "reader")], metadata).decode()
    try:
        return [(*map(int, line.split()[:5]), float(line.split()[5])) for line in lines.splitlines()]
    except (ValueError, IndexError):
        return lines


def by_python(metadata):
    data = ObjectDetectionTop.ObjectDetectionTop.GetRootAs(metadata).Perception()
    objects = []
    for index in range(data.ObjectDetectionListLength()):
        one, box = data.ObjectDetectionList(index), BoundingBox2d.BoundingBox2d()
        assert one.BoundingBoxType() == BoundingBox.BoundingBox.BoundingBox2d
        table = one.BoundingBox()
        box.Init(table.Bytes, table.Pos)
        objects.append((one.ClassId(), box.Left(), box.Top(), box.Right(), box.Bottom(), one.Score()))
    return objects


def of_flatc(objects):
    listed = [{"class_id": label, "bounding_box_type": "BoundingBox2d", "score": score,
               "bounding_box": dict(zip(EDGES, edges))} for label, *edges, score in objects]
    (folder / "theirs.json").write_text(json.dumps({"perception": {"object_detection_list": listed}}))
    subprocess.run(["flatc", "--binary", "-o", folder, schema, folder / "theirs.json"], check=True, timeout=60)
    return (folder / "theirs.bin").read_bytes()


def of_python(objects):
    builder = flatbuffers.Builder(0)
    offsets = []
    for label, left, top, right, bottom, score in objects:
        BoundingBox2d.Start(builder)
        for add, edge in zip((BoundingBox2d.AddLeft, BoundingBox2d.AddTop, BoundingBox2d.AddRight,
                              BoundingBox2d.AddBottom), (left, top, right, bottom)):
            add(builder, edge)
        box = BoundingBox2d.End(builder)
        GeneralObject.Start(builder)
        GeneralObject.AddClassId(builder, label)
        GeneralObject.AddBoundingBoxType(builder, BoundingBox.BoundingBox.BoundingBox2d)
        GeneralObject.AddBoundingBox(builder, box)
        GeneralObject.AddScore(builder, score)
        offsets.append(GeneralObject.End(builder))
    ObjectDetectionData.StartObjectDetectionListVector(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    listed = builder.EndVector()
    ObjectDetectionData.Start(builder)
    ObjectDetectionData.AddObjectDetectionList(builder, listed)
    data = ObjectDetectionData.End(builder)
    ObjectDetectionTop.Start(builder)
    ObjectDetectionTop.AddPerception(builder, data)
    builder.Finish(ObjectDetectionTop.End(builder))
    return bytes(builder.Output())


def said(things, size):
    """What ours says, in pixels."""
    try:
        return [(one["label"], *(round(one[edge] * (pixels - 1), 2) for edge, pixels in zip(EDGES, size * 2)),
                 one["score"]) for one in json.loads(things)]
    except ValueError:
        return things.decode()


def some(count, size):
    """Objects in pixels, each at least one wide, with zeros, ends and the largest labels among them.

    Scores are such as flatc's six digits have exactly.
    """
    objects = []
    for _ in range(count):
        left, right = sorted(chance.sample(range(size[0]), 2))
        top, bottom = sorted(chance.sample(range(size[1]), 2))
        label = chance.choice([0, 1, 90, 65535])
        objects.append((label, left, top, right, bottom, chance.randrange(65) / 64))
    return objects


def things(objects, size):
    """Objects in pixels as the example takes them, off their pixels by less than half of one."""
    def edge(pixel, pixels):
        return min(1, max(0, (pixel + chance.uniform(-0.4, 0.4)) / (pixels - 1)))
    return json.dumps([{"label": label, "score": score,
                        **{name: edge(pixel, pixels) for name, pixel, pixels in zip(EDGES, edges, size * 2)}}
                       for label, *edges, score in objects]).encode()


for count, size in [(0, (300, 300)), (1, (2, 2)), (10, (300, 300)), (25, (640, 480)), (100, (4056, 3040)),
                    (1000, (96, 96))]:
    objects = some(count, size)
    name = f"{count} objects of {size[0]} x {size[1]} pixels"
    written = ours("write", size, things(objects, size))
    check(f"{name}, ours read by flatc", by_flatc(written), objects)
    check(f"{name}, ours read in C++", by_cpp(written), objects)
    check(f"{name}, ours read in Python", by_python(written), objects)
    check(f"{name}, flatc's", said(ours("read", size, of_flatc(objects)), size), objects)
    check(f"{name}, Python's", said(ours("read", size, of_python(objects)), size), objects)

    if count in range(1, 101):
        # Column by column, with five places that are not filled.
        last = [size[0] - 1, size[1] - 1] * 2
        rows = [[*(edge / pixels for edge, pixels in zip(edges, last)), label, score]
                for label, *edges, score in objects]
        numbers = [number for column in (1, 0, 3, 2, 4, 5) for number in [row[column] for row in rows] + [0] * 5]
        packed = struct.pack(f"<{len(numbers) + 1}f", *numbers, count)
        check(f"{name}, as a tensor", said(ours("tensor", size, packed), size), objects)

size = (300, 300)
pictures = [some(count, size) for count in (3, 0, 7)]
times = [datetime.datetime(2022, 11, 4, 8, 40, 13, 123000, datetime.timezone.utc),
         datetime.datetime(2024, 2, 29, 23, 59, 59, 999000, datetime.timezone.utc),
         datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)]
stamps = [time.strftime("%Y%m%d%H%M%S%f")[:17] for time in times]
report = {"DeviceID": "Aid-00000000", "ModelID": "0300000001", "Image": False, "Inferences": [
    {"T": stamp, "O": base64.b64encode(of_flatc(picture)).decode()} for stamp, picture in zip(stamps, pictures)]}
read = json.loads(ours("report", size, json.dumps({**report, "id": "added by a console", "_ts": 0}).encode()))
check("a report's names", (read["device"], read["model"]), ("Aid-00000000", "0300000001"))
check("a report's times", [one["at"] for one in read["inferences"]],
      [round(time.timestamp() * 1000) for time in times])
check("a report's objects", [said(json.dumps(one["found"]), size) for one in read["inferences"]], pictures)
again = read["written"]
check("our report's times", [one["T"] for one in again["Inferences"]], stamps)
check("our report's objects",
      [by_cpp(base64.b64decode(one["O"], validate=True)) for one in again["Inferences"]], pictures)
check("our report's names", (again["DeviceID"], again["ModelID"], again["Image"]),
      ("Aid-00000000", "0300000001", False))

print(f"{passed} checks of AITRIOS passed, {failed} failed")
sys.exit(failed > 0)
