// A page that watches a session: gives its offer, and keeps what it was told and the heights of the frames it showed.
(async () => {
  const connection = new RTCPeerConnection();
  const video = document.querySelector("video");
  const watch = {
    told: [],
    shown: [],
    answer: (sdp) => connection.setRemoteDescription({ type: "answer", sdp }),
  };
  window.watch = watch;
  connection.ontrack = ({ track }) => {
    if (track.kind === "video") video.srcObject = new MediaStream([track]);
  };
  connection.createDataChannel("control").onmessage = ({ data }) => {
    const notice = JSON.parse(data);
    if (notice.type === "quality") watch.told.push(notice);
  };
  const look = (_, { height }) => {
    watch.shown.push(height);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  for (const kind of ["video", "audio"]) connection.addTransceiver(kind, { direction: "recvonly" });
  await connection.setLocalDescription();
  return connection.localDescription.sdp;
})()
