// An invitation from the page: its code, its countdown, withdrawn, and taken by another device.
// node invite.mjs MODULES PAGE DIR   the code that is to be taken goes to DIR/code
import { check, dir, end, open, page, signedIn, told, writeFileSync } from './lib.mjs';

const tab = await open({ viewport: { width: 1280, height: 900 }, ...signedIn() });
await tab.goto(page);
const invite = tab.getByRole('button', { name: 'Invite a vault' });
const code = async () => (await told(tab, '#code', /drey join [a-z]{5}/)).match(/drey join (\S+)/)[1];

await invite.click();
const first = await code();
const seconds = text => text.match(/Good for (\d+):(\d\d)/).slice(1).reduce((sum, part) => sum * 60 + Number(part), 0);
const before = seconds(await tab.locator('#code').textContent());
await tab.waitForTimeout(2500);
const after = seconds(await tab.locator('#code').textContent());
check(before > 590 && before <= 600 && after < before && after > before - 8, `a countdown of ten minutes: ${before} s, then ${after} s`);
await tab.getByRole('button', { name: 'Back up photos now' }).click();
await told(tab, '#out', /^Backed up/);
check((await tab.locator('#code').textContent()).includes(first), 'other orders run beside it, and the page follows them');

await invite.click();
await told(tab, '#code', 'withdrawn');
check(true, 'pressed again it is withdrawn');
// The device learns of it as soon as the connection is closed.
let second = first;
for (let tries = 0; second === first && tries < 20; ++tries) {
  await tab.waitForTimeout(300);
  await invite.click();
  await tab.waitForFunction(() => !['', '…'].includes(document.getElementById('code').textContent));
  second = (await tab.locator('#code').textContent()).match(/drey join (\S+)/)?.[1] ?? first;
}
check(second !== first, 'the next code is another one');
writeFileSync(`${dir}/code`, second);
await told(tab, '#code', 'has joined', 60);
check((await tab.locator('#code').textContent()) === 'shed has joined.', 'the device that took it is named');
await tab.getByRole('rowheader', { name: 'shed' }).waitFor({ timeout: 30000 });
check(true, 'and stands among the devices, without a reload');
check(tab.errors.length === 0, `no error on the console: ${tab.errors}`);
await end();
