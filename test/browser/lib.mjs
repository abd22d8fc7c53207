// What the browser's scripts share: chromium under playwright-core, tabs, and judging.
// Usage of each: node SCRIPT.mjs MODULES PAGE DIR ...   DIR: of login.json and of what is passed on
import { createRequire } from 'node:module';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export const [modules, page, dir, ...more] = process.argv.slice(2);
const require = createRequire(modules + '/');
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

let failed = 0;
export const check = (well, words) => {
  console.log((well ? '  ok      ' : '  FAILED  ') + words);
  if (!well) failed = 1;
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
export const end = async () => {
  await browser.close();
  process.exit(failed);
};

const login = `${dir}/login.json`;
export const keepLogin = cookies => writeFileSync(login, JSON.stringify({ cookies, origins: [] }));
export const signedIn = () => ({ storageState: JSON.parse(readFileSync(login)) });

// A tab of its own context; what its console says is kept. A question is answered yes.
export async function open(options) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  tab.errors = [];
  tab.asked = [];
  tab.on('console', one => one.type() === 'error' && tab.errors.push(one.text()));
  tab.on('pageerror', error => tab.errors.push(String(error)));
  tab.on('dialog', dialog => (tab.asked.push(dialog.message()), dialog.accept()));
  return tab;
}

// At both widths, light and dark: nothing sticks out, and axe finds nothing. bypassCSP lets axe in;
// whether our own style and script pass the policy is looked at without it.
export async function looksWell(address, what, options, also = async () => {}) {
  for (const width of [320, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const where = `${what}, ${width} px, ${colorScheme}`;
      const tab = await open({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true, ...options });
      await tab.goto(address);
      await also(tab, where);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(wide <= 0, `${where}: nothing sticks out sideways`);
      await tab.addScriptTag({ path: axe });
      const found = (await tab.evaluate(() => globalThis.axe.run())).violations;
      for (const one of found) console.log(`    ${one.id}: ${one.nodes.map(node => node.html).join('\n      ')}`);
      check(found.length === 0, `${where}: axe finds nothing`);
      await tab.context().close();
    }
  }
}

// The text of the element once it matches.
export async function told(tab, what, pattern, seconds = 20) {
  await tab.locator(what, { hasText: pattern }).first().waitFor({ timeout: seconds * 1000 });
  return tab.locator(what).first().textContent();
}

export { existsSync, readFileSync, writeFileSync };
