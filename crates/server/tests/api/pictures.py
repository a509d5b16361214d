"""Plays what an address has in GStreamer, without waiting until half a minute is loaded as gst-launch does, and prints what each picture hashes to.

Usage: pictures.py URI [PICTURES]
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

# GStreamer 1.22 now and then never shows one of two streams on a busy machine (threads of decodebin3 that wait for each
# other): whoever sees nothing for so long opens the address again.
PATIENCE = 10 * Gst.SECOND
OPENINGS = 5

Gst.init(None)
uri, most = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None


class Player:
    """One opening of the address."""

    def __init__(self):
        self.seen = 0
        self.pipeline = Gst.parse_launch(
            "uridecodebin3 name=source videoconvert name=video ! video/x-raw,format=RGB"
            " ! checksumsink name=pictures hash=md5 sync=false qos=false async=false"
            " fakesink name=audio sync=false async=false"
        )
        self.bus = self.pipeline.get_bus()
        source = self.pipeline.get_by_name("source")
        source.set_property("uri", uri)
        source.connect("pad-added", self.take)
        pictures = self.pipeline.get_by_name("pictures").get_static_pad("sink")
        pictures.add_probe(Gst.PadProbeType.BUFFER, self.count)
        pictures.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self.hear)

    def take(self, _, pad):
        """Sound goes nowhere, but it goes: what nobody takes holds up the pictures."""
        for kind in ("video", "audio"):
            if pad.get_name().startswith(kind):
                pad.link(self.pipeline.get_by_name(kind).get_static_pad("sink"))

    def count(self, *_):
        self.seen += 1
        if most is not None and self.seen > most:
            self.stop()
        return Gst.PadProbeReturn.OK

    def hear(self, _, info):
        """The end of the pictures is the end: where there is no sound, the pipeline waits for that of the sound forever."""
        if info.get_event().type == Gst.EventType.EOS:
            self.stop()
        return Gst.PadProbeReturn.OK

    def stop(self):
        self.bus.post(Gst.Message.new_application(self.pipeline, Gst.Structure.new_empty("enough")))

    def play(self):
        """Plays to the end; `None` where nothing was seen, and whoever has seen something waits as long as it takes."""
        ends = Gst.MessageType.ERROR | Gst.MessageType.APPLICATION
        self.pipeline.set_state(Gst.State.PLAYING)
        message = self.bus.timed_pop_filtered(PATIENCE, ends)
        if message is None and self.seen:
            message = self.bus.timed_pop_filtered(5 * PATIENCE, ends)
            if message is None:
                sys.exit(f"{uri} did not come to its end after {self.seen} pictures")
        self.pipeline.set_state(Gst.State.NULL)
        return message


for _ in range(OPENINGS):
    message = Player().play()
    if message is not None:
        break
else:
    sys.exit(f"{uri} shows nothing")
if message.type == Gst.MessageType.ERROR:
    sys.exit(f"{uri}: {message.parse_error()}")
