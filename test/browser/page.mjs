// The page itself in a real browser: 320 and 1280 px, light and dark, with and without JavaScript;
// axe-core must find nothing.   node page.mjs MODULES PAGE DIR LINK
import { check, end, keepLogin, looksWell, more, open, page, signedIn, told } from './lib.mjs';

// Signs in by the form behind the link, as a person does.
const signed = await open({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
await signed.goto(more[0]);
await signed.click('button');
check(await signed.locator('h1').count() === 1, 'the link signs in without JavaScript');
for (const part of ['Files', 'Devices', 'Backups', 'The last month', 'Snapshots', 'Latest events'])
  check(await signed.getByRole('heading', { name: part, exact: true }).count() === 1, `without JavaScript: ${part}`);
check(await signed.locator('details table').count() === 1, 'the bars have a table behind them');
check(signed.errors.length === 0, `no error on the console: ${signed.errors}`);
const cookies = await signed.context().cookies();
check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', 'one cookie, HttpOnly, SameSite=Strict');
keepLogin(cookies);

const title = async (tab, where) => {
  const words = await tab.title();
  check(words.endsWith('Drey'), `${where}: the title tells the state: ${words}`);
};
await looksWell(page, 'signed in', signedIn(), title);
await looksWell(page, 'not signed in', {}, title);

// With its own script, under the policy as it is sent.
const tab = await open({ viewport: { width: 1280, height: 900 }, ...signedIn() });
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
await told(tab, '#out', /^Backed up: 4/);
const second = await listed(count => count > first);
check(second > first, `back up now: ${first} snapshots, then ${second}`);
await tab.getByRole('button', { name: 'Forget' }).last().click();
await tab.waitForFunction(() => !['', '…'].includes(document.getElementById('out').textContent), null, { timeout: 20000 });
const third = await listed(count => count < second);
check(third < second, `forget, after a question: ${second} snapshots, then ${third}`);
check(tab.errors.length === 0, `no error on the console, so style and script pass the policy: ${tab.errors}`);
await end();
