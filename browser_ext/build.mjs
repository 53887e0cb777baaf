// Writes built/: what Chromium loads. The same bytes on every machine: no minifying, no times, no paths.
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv[2] ?? join(here, "built");
const built = `${wanted}.new`; // takes the place of what is there once it is whole

await rm(built, { recursive: true, force: true });
await mkdir(built, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: {
    capture: "src/capture/main.ts",
    page: "src/page/main.ts",
    worker: "src/worker/main.ts",
    popup: "src/popup/main.ts",
    note: "src/popup/note.ts",
    clock: "src/replay/clock.ts",
  },
  outdir: built,
  bundle: true,
  format: "iife",
  target: "chrome120",
  external: ["timers", "timers/promises", "perf_hooks", "util"], // Node's, which a library asks for and does without
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
});
await cp(join(here, "src/manifest.json"), join(built, "manifest.json"));
await cp(join(here, "src/session.js"), join(built, "session.js"));
await cp(join(here, "src/scripts.json"), join(built, "scripts.json"));
for (const page of ["popup.html", "note.html", "panel.css"]) await cp(join(here, "src/popup", page), join(built, page));
await rm(wanted, { recursive: true, force: true });
await rename(built, wanted);
