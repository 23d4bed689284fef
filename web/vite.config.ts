/* How the pages are built: no polyfills, no inline anything (the policy of the portal forbids it). */
import { defineConfig } from "vite";

const env = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};

export default defineConfig({
  // `npm run dev` shows the pages as they are written, against a running service: that of
  // examples/hinomi.yaml, or the one that HINOMI_PORTAL names.
  server: { proxy: { "/api": { target: env.HINOMI_PORTAL ?? "https://127.0.0.1:8443", secure: false } } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
