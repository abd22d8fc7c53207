// Files through the page: up by picking and dropping, the list with its versions, down, deletion;
// folders of a snapshot, a folder as tar; names that are markup; reading without JavaScript.
// node files.mjs MODULES PAGE DIR HOME   HOME: what the snapshots hold
import { execFileSync } from 'node:child_process';
import { check, dir, end, looksWell, more, open, page, readFileSync, signedIn, told, writeFileSync } from './lib.mjs';

const home = more[0];
const list = page + 'browse';
const tab = await open({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...signedIn() });
// Saves what a link leads to.
async function saved(on, link) {
  const [download] = await Promise.all([on.waitForEvent('download'), link.click()]);
  return { name: download.suggestedFilename(), path: await download.path() };
}
const textOf = async (on, link) => readFileSync((await saved(on, link)).path, 'utf8');
async function drop(files) {
  const data = await tab.evaluateHandle(all => {
    const transfer = new DataTransfer();
    for (const [name, text] of all) transfer.items.add(new File([text], name));
    return transfer;
  }, files);
  await tab.dispatchEvent('main', 'drop', { dataTransfer: data });
}
const lastTold = async pattern => (await told(tab, '#up', pattern, 60), tab.locator('#up').textContent());

// ---- Up ----
await tab.goto(page);
const big = `${dir}/film.bin`;
writeFileSync(big, Buffer.alloc(40_000_000, 'many bytes, '));
await tab.evaluate(() => {
  globalThis.seen = [];
  const look = () => {
    const bar = document.getElementById('bar');
    if (!bar.hidden) seen.push(bar.value);
    requestAnimationFrame(look);
  };
  look();
});
await tab.setInputFiles('input[type=file]', big);
check(await lastTold(/: kept$/) === 'film.bin: kept', 'a picked file is kept');
const seen = await tab.evaluate(() => seen);
check(seen.some(part => part > 0 && part < 1), `a bar shows its way (${new Set(seen).size} lengths)`);
check(await tab.locator('#bar').isHidden(), 'and goes when it is over');
await tab.locator('#up').evaluate(box => { box.textContent = ''; });
await drop([['notes.txt', 'first'], ['empty', '']]);
check(await lastTold(/empty: kept$/) === 'notes.txt: kept\nempty: kept', 'two dropped files are kept');
await drop([['notes.txt', 'second']]);
await told(tab, '#up', /^notes.txt: kept$/);
await drop([['notes.txt', 'third']]);
await tab.waitForTimeout(300);
await told(tab, '#up', /^notes.txt: kept$/, 60);
await drop([['notes.txt', 'third'], ['other.txt', 'x']]);
check((await lastTold(/other.txt: kept$/)).startsWith('notes.txt: was kept already'), 'the same bytes again are no version more');

// ---- The list, down, versions ----
await tab.getByRole('link', { name: 'All files' }).click();
const link = (name, on = tab) => on.locator('.list > li > p').getByRole('link', { name, exact: true });
const item = name => tab.locator('.list > li').filter({ has: tab.getByRole('link', { name, exact: true }) });
check(await textOf(tab, link('notes.txt')) === 'third', 'the newest version comes first');
const film = await saved(tab, link('film.bin'));
check(film.name === 'film.bin' && readFileSync(film.path).equals(readFileSync(big)), 'a large file comes back under its name');
const older = item('notes.txt').locator('details');
await older.locator('summary').click();
check(await older.locator('a').count() === 2, 'two older versions are folded away');
const texts = [];
for (let i = 0; i < 2; ++i) texts.push(await textOf(tab, older.locator('a').nth(i)));
check(texts.sort().join() === 'first,second', `they come back: ${texts}`);
check(await item('theirs.txt').getByText('on attic').count() === 1, 'another device is named');
check(await item('theirs.txt').getByRole('button').count() === 0, 'and what it has is not deleted here');
check(await item('empty').getByText('0 bytes').count() === 1, 'an empty file has its row');

// ---- Deletion, after a question ----
const gone = new URL(await older.locator('a').first().getAttribute('href'), page).href;
await older.getByRole('button', { name: 'Delete' }).first().click();
await told(tab, '#out', 'Deleted.');
check(tab.asked.length === 1 && tab.asked[0].includes('notes.txt'), `it asks: ${tab.asked[0]}`);
await tab.waitForFunction(() => document.querySelectorAll('details a').length === 1, null, { timeout: 20000 });
check(await older.evaluate(one => one.open), 'the list follows, and stays as it was unfolded');
check((await tab.request.get(gone)).status() === 404, 'the version is gone');
check(await textOf(tab, link('notes.txt')) === 'third', 'the others stay');
await drop([['notes.txt', 'fourth']]);
await told(tab, '#up', /^notes.txt: kept$/, 60);
await told(tab, 'summary', 'notes.txt');
await tab.waitForFunction(() => document.querySelectorAll('details a').length === 2, null, { timeout: 20000 });
check(await textOf(tab, link('notes.txt')) === 'fourth', 'dropped on the list it is there at once');

// ---- Names that are markup ----
const names = ['<img src=x onerror=alert(1)>', '"><svg onload=alert(1)>', "' onmouseover='alert(1)", '<details open ontoggle=alert(1)>',
  '&lt;script&gt;alert(1)', '{name}', '<a href=javascript:alert(1)>x', 'javascript:alert(1)', '\u202eexe.txt', '%3Cscript%3E', '..%2f', '#?&', 'a\nb'];
await drop(names.map(name => [name, name]));
check((await lastTold(/a\nb: kept$/)).split(': kept').length === names.length + 1, `${names.length} names that are markup are taken`);
await tab.goto(list);
const shown = await tab.locator('.list > li > p > a').allTextContents();
for (const name of names) check(shown.includes(name), `the list shows ${JSON.stringify(name)} as it is`);
check(await tab.locator('main img, main svg, main script, [onerror], [onload], [onmouseover], [ontoggle]').count() === 0, 'nothing of them is markup');
check(await textOf(tab, tab.locator('.list > li > p > a').nth(shown.indexOf(names[0]))) === names[0], 'and it comes back');
await tab.locator('.list > li').filter({ hasText: names[0] }).getByRole('button').click();
await told(tab, '#out', 'Deleted.');
check(tab.asked.at(-1).includes(names[0]), 'the question names it as it is');
check(tab.errors.filter(error => !/404/.test(error)).length === 0, `no error on the console: ${tab.errors}`);

// ---- Snapshots, without and with JavaScript ----
for (const javaScriptEnabled of [false, true]) {
  const what = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript';
  const on = await open({ viewport: { width: 320, height: 900 }, javaScriptEnabled, ...signedIn() });
  await on.goto(page);
  await on.getByRole('row').filter({ hasText: 'documents' }).getByRole('link', { name: 'Browse' }).first().click();
  for (const part of home.split('/').filter(Boolean)) await on.getByRole('link', { name: part + '/', exact: true }).click();
  check(await on.locator('h1').textContent() === home, `${what}: folder by folder to ${home}`);
  const file = await saved(on, on.getByRole('link', { name: 'notes', exact: true }));
  check(file.name === 'notes' && readFileSync(file.path).equals(readFileSync(home + '/notes')), `${what}: a file of a snapshot`);
  check(await on.getByText('neither file nor folder').count() === 1 && await on.getByText('a link').count() === 1, `${what}: what is neither is told`);
  await on.getByRole('link', { name: '<b>odd<b> #1?/', exact: true }).click();
  check(await textOf(on, on.getByRole('link', { name: '"quoted" & 100%', exact: true })) === 'odd', `${what}: odd names lead where they should`);
  const tar = await saved(on, on.getByRole('link', { name: 'This folder as tar' }));
  check(execFileSync('tar', ['-tf', tar.path], { encoding: 'utf8' }).includes('"quoted" & 100%'), `${what}: the folder as tar`);
  await on.getByRole('link', { name: 'Folder above' }).click();
  check(await on.locator('h1').textContent() === home, `${what}: and back`);
  await on.goto(page);
  await on.getByRole('link', { name: 'All files' }).click();
  check(await textOf(on, link('notes.txt', on)) === 'fourth', `${what}: a file from the list`);
  check(on.errors.length === 0, `${what}: no error on the console: ${on.errors}`);
  await on.context().close();
}
const plain = await open({ javaScriptEnabled: false, ...signedIn() });
await plain.goto(page);
await plain.setInputFiles('input[type=file]', { name: 'by form.txt', mimeType: 'text/plain', buffer: Buffer.from('a form') });
await plain.getByRole('button', { name: 'Upload' }).click();
check(plain.url() === list && await textOf(plain, link('by form.txt', plain)) === 'a form', 'without JavaScript a form uploads, and leads to the list');

// ---- How it looks ----
await looksWell(list, 'the list', signedIn(), tab => tab.locator('summary').first().click());
await looksWell(`${page}browse/latest${home}/`, 'a folder', signedIn());
await end();
