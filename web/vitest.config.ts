import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["player/tests/**/*.test.ts", "app/tests/**/*.test.ts"], environment: "node" },
});
