import { defineConfig } from "vite";

/**
 * One file that any page can import without tools of its own; a house serves it as `/player.js`. What plays films comes
 * beside it, and only where one is played.
 */
export default defineConfig({
  root: new URL(".", import.meta.url).pathname,
  build: {
    target: "es2022",
    sourcemap: false,
    outDir: "../app/dist",
    emptyOutDir: false,
    copyPublicDir: false,
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "player.js" },
    minify: true,
    chunkSizeWarningLimit: 800,
    rolldownOptions: { output: { chunkFileNames: "player-[name].js" } },
  },
});
