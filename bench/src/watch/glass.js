// Shows a live channel edge to edge, by either way.
(() => {
  const stage = () => {
    const element = document.createElement("div");
    element.style.cssText = "position:fixed;inset:0;background:#000";
    document.body.replaceChildren(element);
    return element;
  };
  window.benchHls = async (address) => {
    const { FilmPlayer } = await import("/player.js");
    const player = new FilmPlayer(stage(), { hls: address, live: true, volume: 0 });
    player.load();
  };
  window.benchWhep = async (address) => {
    const { LiveConnection } = await import("/player.js");
    const video = document.createElement("video");
    video.muted = video.autoplay = video.playsInline = true;
    video.style.cssText = "display:block;width:100%;height:100%;object-fit:contain";
    stage().append(video);
    await new LiveConnection(video, { url: address }, { lost: () => undefined }).open();
  };
})();
