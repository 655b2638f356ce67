import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A module of `recorder/src`, such as `seen/createSeen.ts`, built as it is published: with short internal names. */
export async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${path}`, import.meta.url))],
    bundle: true,
    format: "esm",
    mangleProps: /^_/,
    minify: true,
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
