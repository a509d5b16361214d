// How long it takes from a wish to a picture that the browser has given to its compositor; milliseconds.
(() => {
  const latest = (wait, what) =>
    Promise.race([wait, new Promise((_, no) => setTimeout(() => no(new Error(`no picture ${what}`)), %LATEST%))]);
  const picture = (video) => new Promise((done) => video.requestVideoFrameCallback((_, { presentationTime }) => done(presentationTime)));
  const stage = () => {
    const element = document.createElement("div");
    element.style.cssText = "position:fixed;inset:0;background:#000";
    document.body.replaceChildren(element);
    return element;
  };
  let library;

  /** Fetches the player's code, which a person's page has before its film is asked for. */
  window.benchReady = async () => {
    if (!window.Hls) {
      library = await import("/player.js");
      await library.preloadFilms();
    }
  };
  window.benchOurs = (address) => {
    const begun = performance.now();
    const player = new library.FilmPlayer(stage(), { hls: address, bundle: address.replace("master.m3u8", "start"), volume: 0 });
    window.benchVideo = player.video;
    window.benchTo = (seconds) => player.seekNear(seconds);
    window.benchToExactly = (seconds) => player.seek(seconds);
    const shown = picture(player.video);
    player.load();
    return latest(shown, "of ours").then((at) => at - begun);
  };
  window.benchPeer = (address) => {
    const begun = performance.now();
    const video = document.createElement("video");
    video.muted = true;
    video.style.cssText = "width:100%;height:100%";
    stage().append(video);
    window.benchVideo = video;
    window.benchTo = (seconds) => (video.currentTime = seconds);
    const shown = picture(video);
    const hls = new Hls();
    hls.attachMedia(video);
    hls.loadSource(address);
    video.play();
    return latest(shown, "of the peer").then((at) => at - begun);
  };
  /** The first picture after the element says that it arrived there. */
  window.benchSeek = (seconds, to = window.benchTo) => {
    const video = window.benchVideo;
    const begun = performance.now();
    const arrived = new Promise((done) => {
      const look = (_, { mediaTime, presentationTime }) => {
        if (Math.abs(mediaTime - seconds) < 1) done(presentationTime);
        else video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
    });
    to(seconds);
    return latest(arrived, `at ${seconds}`).then((at) => at - begun);
  };
})();
