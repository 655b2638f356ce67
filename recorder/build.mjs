/**
 * Builds the recorder: `node build.mjs` writes dist/ (the npm package), and the same files with a manifest of their sizes
 * and integrity into ../streams/collector/recorder, from where the collector serves them. `--check` writes nothing and fails if
 * those differ; `--tests` bundles the tests; `--sizes` prints what each part costs.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { build } from "esbuild";
import { minify } from "terser";

process.chdir(import.meta.dirname);

/** As gzip does it: Node's own differs by some bytes. */
const gzipped = (content) => execFileSync("gzip", ["-9n"], { input: content }).length;

/** All that a page loads in the script tag's form, and what the npm form adds to a page: at most so many bytes. */
const MOST_GZIP_BYTES = 6 * 1024;
const SERVED = "../streams/collector/recorder";
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** Old enough for phones of some years ago; no newer syntax comes out. */
const TARGET = ["chrome103", "firefox100", "safari16"];
/**
 * Private names begin with `_`. They are shortened alike in all files, since the stub and the recorder share some. Which
 * letter stands for what makes a per cent of difference once it is compressed: names.py looks for better ones.
 */
const short = JSON.parse(readFileSync("names.json", "utf8"));

const bundled = (entry, format) =>
  build({
    entryPoints: [entry],
    bundle: true,
    format,
    target: TARGET,
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } }, // a module is strict without saying so
    write: false,
    outdir: "dist",
    sourcemap: true,
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
  });

const minified = (code, format, more, { privates, locals } = short) =>
  minify(code, {
    ecma: 2020,
    module: format == "esm",
    toplevel: true,
    compress: {
      passes: 3,
      unsafe_arrows: true,
      pure_getters: true,
      keep_fargs: false,
      // Shorter, and to every API that is called here the same as true and false.
      booleans_as_integers: true,
      // What gzip likes better, as measured.
      hoist_funs: true,
      inline: 1,
      sequences: 4,
      lhs_constants: false,
    },
    mangle: { nth_identifier: { get: (n) => locals[n] ?? `$${n}` }, properties: { regex: /^_/ } },
    nameCache: { props: { props: Object.fromEntries(Object.entries(privates).map(([name, to]) => [`$${name}`, to])) } },
    ...more,
  });

const OUTSIDE = { format: { preamble: `// ${version}` } };

const write = async (entry, file, format) => {
  const { outputFiles } = await bundled(entry, format);
  const [map, code] = ["map", "js"].map((end) => outputFiles.find(({ path }) => path.endsWith(end)).text);
  const made = await minified(code, format, {
    ...OUTSIDE,
    sourceMap: { content: map, url: `${basename(file)}.map`, includeSources: true },
  });
  writeFileSync(file, made.code);
  writeFileSync(`${file}.map`, made.map);
};

const built = async (folder) => {
  mkdirSync(folder);
  await write("src/global.ts", `${folder}/recorder.js`, "iife");
  await write("src/stub.ts", `${folder}/stub.js`, "iife");
  await write("src/index.ts", `${folder}/recorder.mjs`, "esm");
  const types = readFileSync("src/types.ts", "utf8");
  const create = "/** Create a recorder for one user. It never throws, and its methods neither. */\n";
  writeFileSync(`${folder}/recorder.d.ts`, `${types}\n${create}export declare const createRecorder: (options: Options) => Recorder;\n`);
};

const manifest = (folder) => {
  const files = {};
  for (const name of readdirSync(folder).sort()) {
    const content = readFileSync(`${folder}/${name}`);
    const integrity = "sha384-" + createHash("sha384").update(content).digest("base64");
    files[name] = { integrity, bytes: content.length, gzip_bytes: gzipped(content) };
  }
  return { version, files };
};

/** What each file costs: bytes gzipped that the script is smaller without it. Their sum is less than all, as they share text. */
const costs = async () => {
  const { outputFiles } = await bundled("src/global.ts", "iife");
  const code = outputFiles.find(({ path }) => path.endsWith(".js")).text;
  const size = async (text) => gzipped((await minified(text, "iife")).code);
  const [head, ...files] = code.split(/^(?= {2}\/\/ src\/)/m);
  const end = files.pop();
  const all = await size(code);
  const found = [];
  for (const file of files) {
    const others = files.filter((each) => each != file).join("");
    found.push([file.match(/src\/(\S+)/)[1], all - (await size(head + others + end))]);
  }
  return found;
};

/** Write the script in pieces between its private and local names, for names.py to fill in. */
const marked = async () => {
  const { outputFiles } = await bundled("src/global.ts", "iife");
  const code = outputFiles.find(({ path }) => path.endsWith(".js")).text;
  const all = [...new Set(code.match(/(?<![\w$])_[a-z]\w*/gi))].sort();
  const marks = (kind) => Array.from({ length: 200 }, (_, n) => `${kind}${String(n).padStart(3, "0")}`);
  const privates = Object.fromEntries(all.map((name, n) => [name, marks("Zp")[n]]));
  const { code: text } = await minified(code, "iife", OUTSIDE, { privates, locals: marks("Zl") });
  writeFileSync(".build/marked.json", JSON.stringify({ all, parts: text.split(/(Z[pl]\d{3})/) }));
};

if (process.argv.includes("--marked")) {
  mkdirSync(".build", { recursive: true });
  await marked();
} else if (process.argv.includes("--tests")) {
  rmSync(".build", { recursive: true, force: true });
  const entryPoints = readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  await build({ entryPoints, outdir: ".build", bundle: true, format: "esm", platform: "node", outExtension: { ".js": ".mjs" } });
} else if (process.argv.includes("--sizes")) {
  for (const [name, bytes] of (await costs()).sort((a, b) => b[1] - a[1])) console.log(String(bytes).padStart(6), name);
} else {
  rmSync("dist", { recursive: true, force: true });
  execFileSync("node_modules/.bin/tsc", ["--noEmit"], { stdio: "inherit" });
  await built("dist");
  // The collector names maps in a header, and versions in addresses: in the files, they would cost 38 of the 6,144 bytes.
  const ready = ".build/served";
  rmSync(ready, { recursive: true, force: true });
  cpSync("dist", ready, { recursive: true });
  for (const name of readdirSync(ready).filter((name) => /js$/.test(name))) {
    const text = readFileSync(`${ready}/${name}`, "utf8");
    writeFileSync(`${ready}/${name}`, text.replace(/^\/\/ .*\n|\n\/\/# sourceMappingURL=.*$/g, ""));
  }
  const found = manifest(ready);
  const sizes = Object.entries(found.files).map(([name, each]) => `${name} ${each.bytes} B, ${each.gzip_bytes} B gzipped`);
  console.log(sizes.filter((line) => !/\.map|d\.ts/.test(line)).join("\n"));
  const most = Math.max(found.files["recorder.js"].gzip_bytes, found.files["recorder.mjs"].gzip_bytes);
  if (most > MOST_GZIP_BYTES) throw new Error(`the recorder has ${most} B gzipped: at most ${MOST_GZIP_BYTES} are allowed`);
  const text = JSON.stringify(found, null, 2) + "\n";
  if (process.argv.includes("--check")) {
    if (readFileSync(`${SERVED}/manifest.json`, "utf8") !== text) throw new Error("built files differ: run `make recorder`");
  } else {
    rmSync(SERVED, { recursive: true, force: true });
    mkdirSync(SERVED, { recursive: true });
    cpSync(ready, SERVED, { recursive: true });
    writeFileSync(`${SERVED}/manifest.json`, text);
  }
}
