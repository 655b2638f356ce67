/**
 * What each feature of the recorder weighs: gzipped bytes that go if its files are replaced by functions that do
 * nothing. `node bench/recorder/sizes.mjs` prints JSON. Needs recorder/node_modules.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

const SOURCE = join(import.meta.dirname, "../../recorder/src");
const { build } = createRequire(join(SOURCE, "../package.json"))("esbuild");

/** Features, and the files or folders that are there for them alone. All else is the core. */
const FEATURES = {
  "`observe`: seen, by an IntersectionObserver": ["seen"],
  "IndexedDB": ["store/indexeddb.ts"],
  "localStorage and memory instead": ["store/area.ts", "store/plain.ts"],
  "caps by size, count and age": ["store/excess.ts"],
  "claims across tabs": ["store/claim.ts"],
  "gzip, verified": ["send/gzip.ts"],
  "exits: keepalive and beacon from memory": ["exit.ts", "send/beacon.ts", "send/sync.ts"],
  "the browser's quota": ["send/quota.ts"],
  "the dead man's switch (`fetchLater`)": ["arm.ts"],
  "answers taken in: rejected, future, unauthorised": ["settle.ts"],
  "back-off": ["send/backoff.ts"],
  "the clock against the collector's": ["clock.ts"],
  "the collector's configuration": ["config.ts"],
  "consent and Do Not Track": ["consent.ts"],
  "tokens": ["token.ts"],
  "events for the page": ["emitter.ts"],
  "the browser's name": ["client.ts"],
};

const files = (folder) =>
  readdirSync(folder).flatMap((name) => (statSync(join(folder, name)).isDirectory() ? files(join(folder, name)) : [join(folder, name)]));

/** The same exports, and nothing in them. */
const emptied = (text) =>
  [...text.matchAll(/^export (?:async )?(?:const|function) (\w+)/gm)].map(([, name]) => `export const ${name} = () => ({});`).join("\n");

const bytes = async (without = []) => {
  const gone = (path) => without.some((each) => path === each || path.startsWith(each + "/"));
  const plugin = {
    name: "without",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) =>
        gone(relative(SOURCE, path)) ? { contents: emptied(readFileSync(path, "utf8")), loader: "ts" } : undefined,
      ),
  };
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, "global.ts")],
    bundle: true,
    minify: true,
    format: "iife",
    // As recorder/build.mjs does.
    target: ["chrome86", "firefox86", "safari15"],
    mangleProps: /^_/,
    write: false,
    plugins: [plugin],
  });
  return { bytes: outputFiles[0].contents.length, gzip_bytes: gzipSync(outputFiles[0].contents, { level: 9 }).length };
};

const all = files(SOURCE).map((path) => relative(SOURCE, path));
for (const name of Object.values(FEATURES).flat()) {
  if (!all.some((path) => path === name || path.startsWith(name + "/"))) throw new Error(`recorder/src has no ${name}`);
}
const whole = await bytes();
const features = [];
for (const [feature, without] of Object.entries(FEATURES)) {
  const rest = await bytes(without);
  features.push({ feature, bytes: whole.bytes - rest.bytes, gzip_bytes: whole.gzip_bytes - rest.gzip_bytes });
}
console.log(JSON.stringify({ whole, features }));
