// A script of an expert's, as one writes it for Playwright: `node play.cjs PLAYWRIGHT PROGRAM URL`.
const [playwright, executablePath, url] = process.argv.slice(2);
const { chromium } = require(playwright);
const { createHash } = require("node:crypto");

(async () => {
  const browser = await chromium.launch({ executablePath, args: (process.env.REENACT_CHROMIUM_FLAGS ?? "").split(" ") });
  const page = await browser.newPage();
  await page.goto(url);
  for (const text of ["buy milk", "write a test"]) {
    const kept = page.waitForResponse((answer) => answer.request().method() === "POST");
    await page.getByPlaceholder("What needs to be done?").fill(text);
    await page.keyboard.press("Enter");
    await kept;
  }
  await page.locator("#todo-list .toggle").first().check();
  await page.getByText("1 item left").waitFor();
  console.log(await page.locator("#todo-list li").allInnerTexts());
  const shot = await page.screenshot({ animations: "disabled" });
  console.log("looks like", createHash("sha256").update(shot).digest("hex").slice(0, 16));
  await browser.close();
})();
