// Runs before the first paint, so that a light page never flashes dark.
(() => {
  const chosen = localStorage.getItem("playhouse.theme") ?? "dark";
  const light = chosen === "light" || (chosen === "system" && matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.dataset.theme = light ? "light" : "dark";
})();
