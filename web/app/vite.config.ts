import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    // hls.js is as large, and comes only where a film is played.
    chunkSizeWarningLimit: 600,
    // The player page comes when it is needed; what all pages share stays one file.
    modulePreload: { polyfill: false },
  },
});
