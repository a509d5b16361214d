import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    // The player page comes when it is needed; what all pages share stays one file.
    modulePreload: { polyfill: false },
  },
});
