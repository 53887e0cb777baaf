// Runs a DevTools recording by Chrome's own replayer: `node run.mjs CHROMIUM RECORDING.json`. Dialogs are accepted: the
// format has no word for them. Prints, as JSON, the main page's URL and what its log says.
import { readFileSync } from "node:fs";
import { createRunner, parse, PuppeteerRunnerExtension } from "@puppeteer/replay";
import puppeteer from "puppeteer-core";

const [chromium, file] = process.argv.slice(2);
const flow = parse(JSON.parse(readFileSync(file, "utf8")));
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
  const page = (await browser.pages())[0] ?? (await browser.newPage());
  page.on("dialog", (dialog) => dialog.accept());
  const extension = new PuppeteerRunnerExtension(browser, page, { timeout: 15000 });
  const step = extension.runStep.bind(extension);
  extension.runStep = async (told, flow) => {
    try {
      await step(told, flow);
    } catch (why) {
      throw new Error(`step ${flow.steps.indexOf(told) + 1}, ${why.message}: ${JSON.stringify(told)}`);
    }
  };
  const done = await (await createRunner(flow, extension)).run();
  const log = await page.evaluate(() => [...document.querySelectorAll("#log li")].map((item) => item.textContent));
  console.log(JSON.stringify({ done, url: page.url(), log }));
} finally {
  await browser.close();
}
