// What a benchmark keeps of a page: its connections, the frames that its video showed, the keys that it got. Runs
// before the page's own scripts, on our page and on a peer's alike.
(() => {
  const LIMIT = 100000;
  const bench = { connections: [], frames: [], keys: [], answers: [], stats };
  window.__bench = bench;
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args) {
      const connection = Reflect.construct(target, args);
      bench.connections.push(connection);
      return connection;
    },
  });
  // A network emulator stands in for the session: the answer names its port instead.
  const relay = "%RELAY%";
  if (/^\d+$/.test(relay)) {
    const native = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      const lines = description.sdp.split("\r\n").map((line) => {
        if (!line.startsWith("a=candidate:")) return line;
        const words = line.split(" ");
        words[5] = relay;
        return words.join(" ");
      });
      return native.call(this, { type: description.type, sdp: lines.join("\r\n") });
    };
  }
  const keep = (list, value) => list.length < LIMIT && list.push(value);
  addEventListener("keydown", (event) => event.repeat || keep(bench.keys, performance.now()), true);

  let video;
  const listen = (element) =>
    element.requestVideoFrameCallback((now, metadata) => {
      if (element === video) listen(element);
      keep(bench.frames, [now, metadata.presentationTime, metadata.expectedDisplayTime, metadata.presentedFrames]);
    });
  let player;
  setInterval(() => {
    const found = [...document.querySelectorAll("video")].find((each) => each.videoWidth > 0);
    if (found && found !== video) listen((video = found));
    if (window.__playhouse && window.__playhouse !== player) {
      player = window.__playhouse;
      player.on("frame", (frame) => {
        if (frame.inputSeq) keep(bench.answers, [frame.inputSent, frame.decoded, frame.steps]);
      });
    }
  }, 50);

  async function stats() {
    const all = { at: performance.now(), video: {}, audio: {}, pair: {} };
    for (const connection of bench.connections) {
      if (connection.connectionState !== "connected") continue;
      (await connection.getStats()).forEach((entry) => {
        if (entry.type === "inbound-rtp" && entry.bytesReceived > 0) all[entry.kind] = { ...entry };
        else if (entry.type === "candidate-pair" && entry.state === "succeeded") all.pair = { ...entry };
      });
    }
    return all;
  }
})();
