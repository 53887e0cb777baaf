// Bundles what comes as modules: `npm run build` writes built/NAME.js for each of bundles/.
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const here = import.meta.dirname;
await build({
  absWorkingDir: here,
  entryPoints: readdirSync(`${here}/bundles`).map((name) => `bundles/${name}`),
  outdir: "built",
  bundle: true,
  minify: true,
  jsx: "automatic",
  target: "chrome120",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "error",
});
