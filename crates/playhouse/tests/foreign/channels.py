"""A publisher and a viewer written by others: aiortc publishes a channel by WHIP, and watches channels by WHEP.

Usage: channels.py http://127.0.0.1:7770/?code=CODE rtmp://127.0.0.1:1935/live. Ends with 0 when

- each picture that the viewer decodes carries the number of one that was published, in order, and the sound its tone;
- ffmpeg reads the same pictures from the channel's HLS;
- what ffmpeg publishes by RTMP with AAC is seen in its colour and heard in its tone by the viewer;
- a publisher who says good-bye is gone, and a key that opens nothing is refused.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamTrack
from av import VideoFrame

WIDTH, HEIGHT, RATE = 640, 360, 30
# The number of a picture is burnt into its upper rows: a cell for each bit, then all bits turned round as a check.
BITS, CELL = 10, 32
FRAMES = 100
SOUNDS = 60
TONES = {"whip": 440, "rtmp": 880}
DEADLINE = 60


class House:
    """The server's API as its owner."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.token = None
        code = parse_qs(parts.query)["code"][0]
        self.token = self.ask("POST", "/api/sign-in/code", {"code": code, "token": True})["token"]

    def send(self, method: str, path: str, body: bytes | None, kind: str, token: str | None):
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(self.origin + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode(), answer.headers

    def ask(self, method: str, path: str, body=None):
        body = None if body is None else json.dumps(body).encode()
        text, _ = self.send(method, path, body, "application/json", self.token)
        return json.loads(text)

    def channel(self, name: str) -> tuple[str, str]:
        """Makes a channel and a key for it."""
        channel = self.ask("POST", "/api/channels", {"name": name})["id"]
        return channel, self.ask("POST", f"/api/channels/{channel}/keys", {"name": "aiortc"})["secret"]

    async def connect(self, connection: RTCPeerConnection, path: str, token: str) -> str:
        """Sends an offer and takes the answer; gives where the connection is."""
        await connection.setLocalDescription(await connection.createOffer())
        offer = connection.localDescription.sdp.encode()
        answer, headers = await asyncio.to_thread(self.send, "POST", path, offer, "application/sdp", token)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return headers["Location"]


def burn(luma: numpy.ndarray, number: int) -> None:
    number %= 1 << BITS
    bits = [number >> bit & 1 for bit in range(BITS)]
    for place, bit in enumerate(bits + [1 - bit for bit in bits]):
        luma[:CELL, place * CELL : (place + 1) * CELL] = 235 if bit else 16


def read(luma: numpy.ndarray) -> int:
    """The number that is burnt into a picture."""
    rows = luma[CELL // 4 : CELL * 3 // 4, : 2 * BITS * CELL].astype(float)
    means = rows.reshape(rows.shape[0], 2 * BITS, CELL)[:, :, CELL // 4 : CELL * 3 // 4].mean(axis=(0, 2))
    bits = means > 126
    assert (bits[:BITS] != bits[BITS:]).all(), f"no picture that was published: {means.round()}"
    return sum(1 << bit for bit in range(BITS) if bits[bit])


class Numbered(MediaStreamTrack):
    """Pictures of lavfi, each with its number."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.source = MediaPlayer(f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}", format="lavfi").video
        self.published: list[float] = []

    def stop(self) -> None:
        super().stop()
        self.source.stop()

    async def recv(self) -> VideoFrame:
        drawn = await self.source.recv()
        picture = drawn.to_ndarray(format="yuv420p")
        burn(picture, len(self.published))
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = drawn.pts, drawn.time_base
        self.published.append(time.monotonic())
        return frame


async def look(track, published: list[float]) -> None:
    """Each picture is one that was published, and none comes twice or before its time."""
    numbers, delays = [], []
    while len(numbers) < FRAMES:
        frame = await track.recv()
        now = time.monotonic()
        assert (frame.width, frame.height) == (WIDTH, HEIGHT), (frame.width, frame.height)
        luma = frame.to_ndarray(format="gray")
        assert luma[2 * CELL :].std() > 20, "the picture is empty"
        # Numbers begin anew after a while: the newest picture of that number is meant.
        newest = len(published) - 1
        number = newest - (newest - read(luma)) % (1 << BITS)
        numbers.append(number)
        delays.append(1000 * (now - published[number]))
    steps = numpy.diff(numbers)
    assert (steps > 0).all(), f"pictures out of order: {numbers}"
    lost = int((steps - 1).sum())
    print(f"video: {FRAMES} pictures as published, {lost} left out, {numpy.median(delays):.0f} ms after they were drawn")


async def colour(track, wanted: tuple[int, int, int]) -> None:
    for _ in range(FRAMES):
        frame = await track.recv()
    seen = frame.to_ndarray(format="rgb24").reshape(-1, 3).mean(axis=0)
    assert numpy.abs(seen - wanted).max() < 24, f"{seen} instead of {wanted}"
    print(f"video: {FRAMES} pictures in the colour that was published")


async def listen(track, tone: int) -> None:
    heard = []
    for count in range(2 * SOUNDS):
        frame = await track.recv()
        # The first ones are silence or made up, while the decoder begins.
        if count >= SOUNDS:
            heard.append(frame.to_ndarray().reshape(-1, len(frame.layout.channels)).mean(axis=1))
    sound = numpy.concatenate(heard).astype(float)
    level = numpy.sqrt((sound**2).mean())
    spectrum = numpy.abs(numpy.fft.rfft(sound * numpy.hanning(len(sound))))
    loudest = spectrum.argmax() * frame.sample_rate / len(sound)
    assert level > 500, f"no sound: {level}"
    assert abs(loudest - tone) < 5, f"a tone of {loudest:.0f} Hz instead of {tone}"
    print(f"audio: a tone of {loudest:.0f} Hz at level {level:.0f}")


async def watch(house: House, channel: str, look_at, tone: int) -> None:
    connection = RTCPeerConnection()
    work = []
    connection.on("track", lambda t: work.append(look_at(t) if t.kind == "video" else listen(t, tone)))
    connection.addTransceiver("video", direction="recvonly")
    connection.addTransceiver("audio", direction="recvonly")
    place = await house.connect(connection, f"/api/channels/{channel}/whep", house.token)
    assert len(work) == 2, "the answer has no video or no audio"
    await asyncio.wait_for(asyncio.gather(*work), DEADLINE)
    await asyncio.to_thread(house.send, "DELETE", place, None, "text/plain", house.token)
    await connection.close()


def by_hls(house: House, channel: str) -> None:
    """ffmpeg reads the channel's HLS, from some seconds back."""
    reader = ["ffmpeg", "-v", "error", "-headers", f"Authorization: Bearer {house.token}\r\n", "-i"]
    reader += [f"{house.origin}/api/channels/{channel}/live/master.m3u8", "-frames:v", str(FRAMES)]
    reader += ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-"]
    read_by_ffmpeg = subprocess.run(reader, capture_output=True, timeout=DEADLINE, check=True)
    pictures = numpy.frombuffer(read_by_ffmpeg.stdout, numpy.uint8).reshape(-1, HEIGHT, WIDTH)
    numbers = numpy.array([read(picture) for picture in pictures])
    steps = numpy.diff(numbers) % (1 << BITS)
    assert len(numbers) == FRAMES and (steps > 0).all() and (steps < RATE).all(), numbers
    print(f"HLS: ffmpeg read {FRAMES} pictures as published, {int((steps - 1).sum())} left out")


async def until(what: str, look_for) -> None:
    end = time.monotonic() + DEADLINE
    while not await asyncio.to_thread(look_for):
        assert time.monotonic() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.1)


def live(house: House, channel: str) -> bool:
    """Whether somebody publishes, and it is known what."""
    channels = house.ask("GET", "/api/channels")["channels"]
    return any(each["id"] == channel and each["live"] and each["width"] for each in channels)


async def publish_by_whip(house: House) -> None:
    channel, key = house.channel("WHIP")
    connection = RTCPeerConnection()
    pictures = Numbered()
    connection.addTrack(pictures)
    sound = MediaPlayer(f"sine=frequency={TONES['whip']}:sample_rate=48000,volume=6", format="lavfi")
    connection.addTrack(sound.audio)
    try:
        await asyncio.to_thread(house.send, "POST", "/api/whip", b"v=0", "application/sdp", "nobody's key")
        raise AssertionError("a key that opens nothing was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 401, error
    place = await house.connect(connection, "/api/whip", key)
    await until("the publisher", lambda: live(house, channel))
    await watch(house, channel, lambda track: look(track, pictures.published), TONES["whip"])
    await asyncio.to_thread(by_hls, house, channel)
    await asyncio.to_thread(house.send, "DELETE", place, None, "text/plain", key)
    await until("the end of the broadcast", lambda: not live(house, channel))
    print("the publisher said good-bye, and its channel is off the air")
    await connection.close()
    pictures.stop()
    sound.audio.stop()


async def publish_by_rtmp(house: House, rtmp: str) -> None:
    channel, key = house.channel("RTMP")
    publisher = ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", f"color=0x2060A0:s={WIDTH}x{HEIGHT}:r=25"]
    publisher += ["-f", "lavfi", "-i", f"sine=frequency={TONES['rtmp']}:sample_rate=44100,volume=6", "-ac", "2"]
    publisher += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"]
    publisher += ["-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", f"{rtmp}/{key}"]
    ffmpeg = subprocess.Popen(publisher)
    try:
        await until("ffmpeg", lambda: live(house, channel))
        await watch(house, channel, lambda track: colour(track, (0x20, 0x60, 0xA0)), TONES["rtmp"])
    finally:
        ffmpeg.kill()
        ffmpeg.wait()


async def main(address: str, rtmp: str) -> None:
    house = House(address)
    await publish_by_whip(house)
    await publish_by_rtmp(house, rtmp)


asyncio.run(main(*sys.argv[1:]))
