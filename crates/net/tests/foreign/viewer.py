"""A viewer written by others: aiortc joins the example `whep` as a browser would, and says what it saw.

Usage: viewer.py http://127.0.0.1:8000/whep. Ends with 0 when pictures were decoded in the right size, sound had
the tone's energy in both ears, and messages came back on both data channels.
"""

import asyncio
import sys
import urllib.request

import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription

FRAMES = 120
SOUNDS = 50
SIZE = (1280, 720)
DEADLINE = 40


def post(url: str, sdp: str) -> str:
    request = urllib.request.Request(url, sdp.encode(), {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201, answer.status
        return answer.read().decode()


async def watch(track) -> None:
    sizes = set()
    stamps = []
    for _ in range(FRAMES):
        frame = await track.recv()
        sizes.add((frame.width, frame.height))
        stamps.append(frame.time)
    assert sizes == {SIZE}, sizes
    spread = frame.to_ndarray(format="gray").std()
    assert spread > 20, f"the picture is empty: {spread}"
    steps = numpy.diff(stamps)
    assert (steps > 0).all(), "timestamps run backwards"
    print(f"video: {FRAMES} frames of {SIZE}, {1 / numpy.median(steps):.1f} a second, contrast {spread:.0f}")


async def listen(track) -> None:
    energy = numpy.zeros(2)
    for _ in range(SOUNDS):
        frame = await track.recv()
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).astype(float)
        energy += (samples**2).mean(axis=0)
    level = numpy.sqrt(energy / SOUNDS)
    assert len(level) == 2 and (level > 500).all(), level
    print(f"audio: {SOUNDS} frames at {frame.sample_rate} Hz, level {level.round()}")


async def echo(channel) -> None:
    opened, answered = asyncio.Event(), asyncio.Event()
    sent = b"are you there? " + channel.label.encode()
    channel.on("open", opened.set)
    channel.on("message", lambda message: answered.set() if message == sent else None)
    if channel.readyState != "open":
        await opened.wait()
    # `motion` may lose a message; a person at the other end moves again.
    while not answered.is_set():
        channel.send(sent)
        try:
            await asyncio.wait_for(answered.wait(), 1)
        except asyncio.TimeoutError:
            pass
    print(f"{channel.label}: a message went there and back")


async def main(url: str) -> None:
    connection = RTCPeerConnection()
    work = []
    connection.on("track", lambda track: work.append(watch(track) if track.kind == "video" else listen(track)))
    connection.addTransceiver("video", direction="recvonly")
    connection.addTransceiver("audio", direction="recvonly")
    control = connection.createDataChannel("control")
    motion = connection.createDataChannel("motion", ordered=False, maxRetransmits=0)
    await connection.setLocalDescription(await connection.createOffer())
    answer = await asyncio.to_thread(post, url, connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    assert len(work) == 2, "the answer has no video or no audio"
    await asyncio.wait_for(asyncio.gather(*work, echo(control), echo(motion)), DEADLINE)
    await connection.close()


asyncio.run(main(sys.argv[1]))
