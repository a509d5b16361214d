"""Plays what an address has in GStreamer, without waiting until half a minute is loaded as gst-launch does, and prints what each picture hashes to.

Usage: pictures.py URI [PICTURES]
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)
uri, most = sys.argv[1], sys.argv[2:]
some = f"! identity eos-after={int(most[0]) + 1}" if most else ""
pipeline = Gst.parse_launch(
    f'uridecodebin3 uri="{uri}" ! video/x-raw ! videoconvert ! video/x-raw,format=RGB {some} ! checksumsink hash=md5 sync=false qos=false'
)
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(50 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
pipeline.set_state(Gst.State.NULL)
if message is None:
    sys.exit(f"{uri} did not come to its end")
if message.type == Gst.MessageType.ERROR:
    sys.exit(f"{uri}: {message.parse_error()}")
