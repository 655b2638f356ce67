// Bundles each adapter with its tracker: `node build.mjs <folder with node_modules> <folder for the bundles>`.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [packages, out] = process.argv.slice(2);
// The packages are not beside this file, so that this folder holds only sources.
const require = createRequire(pathToFileURL(join(packages, "package.json")));
const esbuild = require("esbuild");
const here = join(dirname(fileURLToPath(import.meta.url)), "adapters");

await esbuild.build({
  entryPoints: readdirSync(here).map((name) => join(here, name)),
  outdir: out,
  bundle: true,
  format: "iife",
  target: "es2022",
  minify: true,
  logLevel: "error",
  nodePaths: [join(packages, "node_modules")],
  define: { "process.env.NODE_ENV": '"production"' },
});
