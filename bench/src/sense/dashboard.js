// What a page of a sensor hears, and when it has drawn it: {frame, at, took_us, hub_at, heard, drawn}, times in
// milliseconds since 1970.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const heard = new Map();
  const seen = [];
  window.benchSeen = () => seen.splice(0);
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" || !data.startsWith('{"glimpse"')) return;
        const { glimpse } = JSON.parse(data);
        heard.set(String(glimpse.frame), { ...glimpse, heard: now() });
        if (heard.size > 200) heard.delete(heard.keys().next().value);
      });
    }
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const glimpse = heard.get(target.dataset?.frame);
      if (!glimpse) continue;
      const { frame, at, took_us, hub_at, heard: came } = glimpse;
      seen.push({ frame, at, took_us, hub_at, heard: came, drawn: now() });
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-frame"] });
})();
