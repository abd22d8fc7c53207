// The page in a real browser: 320 and 1280 px, light and dark, with and without JavaScript; axe-core
// must find nothing. Usage: node page.mjs MODULES PAGE LINK SHOTS   (test/browser/run makes all four)
import { createRequire } from 'node:module';

const [modules, page, link, shots] = process.argv.slice(2);
const require = createRequire(modules + '/');
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

let failed = 0;
const check = (well, words) => {
  console.log((well ? '  ok      ' : '  FAILED  ') + words);
  if (!well) failed = 1;
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

// bypassCSP lets axe in; whether our own style and script pass the policy is looked at without it.
async function open(options) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  tab.errors = [];
  tab.on('console', one => one.type() === 'error' && tab.errors.push(one.text()));
  tab.on('pageerror', error => tab.errors.push(String(error)));
  return tab;
}

// Signs in by the form behind the link, as a person does.
const signed = await open({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
await signed.goto(link);
await signed.click('button');
check(await signed.locator('h1').count() === 1, 'the link signs in without JavaScript');
for (const part of ['Devices', 'Backups', 'The last month', 'Snapshots', 'Latest events'])
  check(await signed.getByRole('heading', { name: part, exact: true }).count() === 1, `without JavaScript: ${part}`);
check(await signed.locator('details table').count() === 1, 'the bars have a table behind them');
check(signed.errors.length === 0, `no error on the console: ${signed.errors}`);
const cookies = await signed.context().cookies();
check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', 'one cookie, HttpOnly, SameSite=Strict');
const storageState = { cookies, origins: [] };

for (const width of [320, 1280]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const login of [true, false]) {
      const what = `${width} px, ${colorScheme}, ${login ? 'signed in' : 'not signed in'}`;
      const tab = await open({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true, ...(login ? { storageState } : {}) });
      await tab.goto(page);
      check((await tab.title()).endsWith('Drey'), `${what}: the title tells the state: ${await tab.title()}`);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(wide <= 0, `${what}: nothing sticks out sideways`);
      await tab.addScriptTag({ path: axe });
      const found = (await tab.evaluate(() => globalThis.axe.run())).violations;
      for (const one of found) console.log(`    ${one.id}: ${one.nodes.map(node => node.html).join('\n      ')}`);
      check(found.length === 0, `${what}: axe finds nothing`);
      if (login) await tab.screenshot({ path: `${shots}/page-${width}-${colorScheme}.jpg`, type: 'jpeg', quality: 60, fullPage: width > 320 });
      await tab.context().close();
    }
  }
}

// With its own script, under the policy as it is sent.
const tab = await open({ viewport: { width: 1280, height: 900 }, storageState });
tab.on('dialog', dialog => dialog.accept());
// How many snapshots the page lists, once that is as it should be: it follows within a tick or two.
async function listed(well) {
  for (let tries = 0; ; ++tries) {
    await tab.goto(page);
    const count = await tab.getByRole('button', { name: 'Forget' }).count();
    if (well(count) || tries === 50) return count;
    await tab.waitForTimeout(200);
  }
}
const first = await listed(count => count >= 2);
await tab.getByRole('button', { name: 'Back up documents now' }).click();
await tab.locator('#out', { hasText: /^Backed up: 4/ }).waitFor({ timeout: 20000 });
const second = await listed(count => count > first);
check(second > first, `back up now: ${first} snapshots, then ${second}`);
await tab.getByRole('button', { name: 'Forget' }).last().click();
await tab.waitForFunction(() => !['', '…'].includes(document.getElementById('out').textContent), null, { timeout: 20000 });
const third = await listed(count => count < second);
check(third < second, `forget, after a question: ${second} snapshots, then ${third}`);
await tab.getByRole('button', { name: 'Invite a device' }).click();
await tab.locator('#out', { hasText: /drey join [a-z]{5}/ }).waitFor({ timeout: 20000 });
check(/Good for (10|9):\d\d/.test(await tab.locator('#out').textContent()), 'invite shows a code and a countdown');
check(tab.errors.length === 0, `no error on the console, so style and script pass the policy: ${tab.errors}`);
await browser.close();
process.exit(failed);
