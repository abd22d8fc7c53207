// The README's pictures.   node shots.mjs MODULES PAGE DIR SHOTS
import { check, end, more, open, page, signedIn } from './lib.mjs';

for (const [name, width, height, colorScheme] of [['phone-dark', 320, 640, 'dark'], ['desktop-light', 1280, 860, 'light']]) {
  const tab = await open({ viewport: { width, height }, deviceScaleFactor: width > 320 ? 0.75 : 1, colorScheme, ...signedIn() });
  // What is new on the page is counted anew, for a moment.
  for (let tries = 0; tries < 100; ++tries) {
    await tab.goto(page);
    if (/Protected/.test(await tab.title())) break;
    await tab.waitForTimeout(200);
  }
  check(/Protected/.test(await tab.title()), `${name}: ${await tab.title()}`);
  await tab.screenshot({ path: `${more[0]}/${name}.png` });
}
await end();
