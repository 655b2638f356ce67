/**
 * Builds the recorder: `node build.mjs` writes dist/ (the npm package), and the same files with a manifest of their sizes
 * and integrity into ../streams/collector/recorder, from where the collector serves them. `--check` writes nothing and fails if
 * those differ; `--tests` bundles the tests; `--sizes` prints what each part costs.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

process.chdir(import.meta.dirname);

/** All that a page loads in the script tag's form, and what the npm form adds to a page: at most so many bytes. */
const MOST_GZIP_BYTES = 9 * 1024;
const SERVED = "../streams/collector/recorder";
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** Old enough for phones of some years ago; no newer syntax comes out. */
const TARGET = ["chrome94", "firefox93", "safari15.4"];
/**
 * Private names begin with `_`. They are shortened alike in all files, since the stub and the recorder share some. Which
 * letter stands for what makes a per cent of difference once it is compressed: `--names` looks for better ones.
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

const OUTSIDE = { format: { preamble: `// ${version} Apache-2.0` } };

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
    files[name] = { integrity, bytes: content.length, gzip_bytes: gzipSync(content, { level: 9 }).length };
  }
  return { version, files };
};

/** What each file costs: bytes gzipped that the script is smaller without it. Their sum is less than all, as they share text. */
const costs = async () => {
  const { outputFiles } = await bundled("src/global.ts", "iife");
  const code = outputFiles.find(({ path }) => path.endsWith(".js")).text;
  const size = async (text) => gzipSync((await minified(text, "iife")).code, { level: 9 }).length;
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

/** Try other names for some minutes: exchange two at random, and keep what doesn't make the script larger. */
const named = async (seconds) => {
  const { outputFiles } = await bundled("src/global.ts", "iife");
  const code = outputFiles.find(({ path }) => path.endsWith(".js")).text;
  const all = [...new Set(code.match(/(?<![\w$])_[a-z]\w*/gi))].sort();
  const marks = (kind, count) => Array.from({ length: count }, (_, n) => `${kind}${String(n).padStart(3, "0")}`);
  const [forPrivates, forLocals] = [marks("Zp", all.length), marks("Zl", 200)];
  const marked = { privates: Object.fromEntries(all.map((name, n) => [name, forPrivates[n]])), locals: forLocals };
  const parts = (await minified(code, "iife", OUTSIDE, marked)).code.split(/(Z[pl]\d{3})/);
  const letters = [..."etrnosaicdlufhmpwgybvxkSMAPDETRNIOLCBFHUVWGKJYQXZzjq_"];
  const pairs = letters.slice(0, 12).flatMap((one) => letters.slice(0, 12).map((other) => one + other));
  const words = new Set(["as", "at", "by", "do", "id", "if", "in", "of", "on", "to", "is"]);
  const free = [...letters, ...pairs.filter((pair) => !words.has(pair))];
  // Names of what is stored, which stay as they are.
  const names = { Zp: free.filter((name) => !/^[bfhinv]$/.test(name)), Zl: [...free] };
  for (const kind of ["Zp", "Zl"]) {
    const known = kind == "Zp" ? all.map((name) => short.privates[name]) : short.locals;
    const list = names[kind];
    known.forEach((name, n) => {
      const at = list.indexOf(name);
      if (at >= 0) [list[n], list[at]] = [list[at], list[n]];
    });
  }
  const used = { Zp: all.length, Zl: 1 + Math.max(...parts.filter((part) => part.startsWith("Zl")).map((part) => +part.slice(2))) };
  const size = () => gzipSync(parts.map((part) => (/^Z[pl]\d{3}$/.test(part) ? names[part.slice(0, 2)][+part.slice(2)] : part)).join(""), { level: 9 }).length;
  let least = size();
  const random = (most) => Math.floor(Math.random() * most);
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; ) {
    const kind = Math.random() < 0.6 ? "Zp" : "Zl";
    const list = names[kind];
    const [one, other] = [random(used[kind]), random(Math.min(list.length, used[kind] + 20))];
    const swap = () => ([list[one], list[other]] = [list[other], list[one]]);
    swap();
    const now = size();
    if (now > least) swap();
    else least = now;
  }
  const privates = Object.fromEntries(all.map((name, n) => [name, names.Zp[n]]));
  writeFileSync("names.json", JSON.stringify({ privates, locals: names.Zl.slice(0, used.Zl) }, null, 2) + "\n");
  return least;
};

if (process.argv.includes("--names")) {
  console.log(`${await named(Number(process.argv.at(-1)))} B gzipped`);
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
  const found = manifest("dist");
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
    cpSync("dist", SERVED, { recursive: true });
    writeFileSync(`${SERVED}/manifest.json`, text);
  }
}
