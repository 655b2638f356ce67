// Takes pictures of whole pages in Chromium: `node shoot.mjs <folder with node_modules>`, with JSON on stdin:
// {"browser": path, "sandbox": bool, "width": px, "seconds": most to wait, "pages": [{"url", "file"}]}.
// Prints a JSON array: for each page, its console's errors and what each panel drew or reported.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(join(process.argv[2], "package.json")));
const puppeteer = require("puppeteer-core");

let text = "";
for await (const chunk of process.stdin) {
  text += chunk;
}
const order = JSON.parse(text);

/** Runs in the page. A canvas counts once it has a pixel that isn't transparent. */
function drawnPanels() {
  const isDrawn = (canvas) => {
    const { width, height } = canvas;
    return width > 0 && height > 0 && canvas.getContext("2d").getImageData(0, 0, width, height).data.some((byte) => byte > 0);
  };
  return [...document.querySelectorAll("[data-panel]")].map((panel) => ({
    id: Number(panel.dataset.panel),
    type: panel.dataset.type,
    text: panel.innerText,
    canvases: [...panel.querySelectorAll("canvas")].filter(isDrawn).length,
    shapes: panel.querySelectorAll("svg rect, svg path").length,
    message: panel.querySelector("[data-message]")?.innerText ?? null,
    failed: panel.querySelector("[data-message=error]") !== null,
  }));
}

async function shoot(browser, { url, file }) {
  const page = await browser.newPage();
  const errors = [];
  page.on("console", (message) => {
    if (message.type() === "error") {
      errors.push(`${message.text()} ${message.location().url ?? ""}`.trim());
    }
  });
  page.on("pageerror", (error) => errors.push(String(error.stack ?? error)));
  await page.setViewport({ width: order.width, height: 1000, deviceScaleFactor: 1 });
  await page.goto(url);
  await page.waitForFunction(() => document.body.dataset.ready === "true", { timeout: 1000 * order.seconds });
  const height = await page.evaluate(() => Math.ceil(document.querySelector("main").getBoundingClientRect().bottom));
  await page.setViewport({ width: order.width, height, deviceScaleFactor: 1 });
  // Icons are fetched one by one as they come into view.
  await page.waitForNetworkIdle({ idleTime: 300, timeout: 1000 * order.seconds });
  if (file) {
    await page.screenshot({ path: file });
  }
  const panels = await page.evaluate(drawnPanels);
  await page.close();
  return { url, errors, panels, height };
}

const browser = await puppeteer.launch({
  executablePath: order.browser,
  args: [
    ...(order.sandbox ? [] : ["--no-sandbox"]),
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-dev-shm-usage",
  ],
  env: { ...process.env, TZ: "UTC" },
});
try {
  const results = [];
  for (const page of order.pages) {
    results.push(await shoot(browser, page));
  }
  process.stdout.write(JSON.stringify(results));
} finally {
  await browser.close();
}
