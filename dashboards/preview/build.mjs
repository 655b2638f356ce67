// Bundles src/ for the browser: `node build.mjs <folder with node_modules> <folder for the bundle>`.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [packages, out] = process.argv.slice(2);
// The packages are not beside this file, so the sources' folder holds only sources.
const require = createRequire(pathToFileURL(join(packages, "package.json")));
const esbuild = require("esbuild");
const here = dirname(fileURLToPath(import.meta.url));

await esbuild.build({
  entryPoints: { preview: join(here, "src", "main.tsx") },
  outdir: out,
  bundle: true,
  format: "iife",
  target: "chrome120",
  jsx: "automatic",
  minify: true,
  logLevel: "error",
  nodePaths: [join(packages, "node_modules")],
  define: { "process.env.NODE_ENV": '"production"', global: "window" },
  loader: { ".ttf": "empty", ".svg": "dataurl", ".png": "dataurl" },
});
