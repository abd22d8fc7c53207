/* Orders of a signed-in page, and a refresh. The page is whole without it. */
(() => {
  const out = text => { const box = document.getElementById('out'); if (box) box.textContent = text; };
  let busy = false, until = 0, words = '';
  const left = () => {
    const s = Math.max(0, Math.round((until - Date.now()) / 1000));
    out(words + '\nGood for ' + Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0'));
    if (s > 0 && until) setTimeout(left, 1000);
  };
  const line = row => {
    if (row.type == 'code') {
      words = 'On the other device: drey join ' + row.code;
      until = Date.now() + row.expires_s * 1000;
      left();
    } else if (row.type == 'progress') out(row.files + ' files, ' + Math.round(row.bytes / 1048576) + ' MiB');
    else if (row.type == 'joined') { until = 0; out(row.node + ' has joined.'); }
    else if (row.snapshot) out('Backed up: ' + row.files + ' files. ' + row.message);
    else if (row.message) out(row.message);
    else if (row.type == 'summary' && !until) out('Done.');
  };
  const send = async button => {
    if (button.dataset.ask && !confirm(button.dataset.ask)) return;
    busy = true; until = 0;
    out('…');
    try {
      const answer = await fetch(button.dataset.post, {method: 'POST', body: button.dataset.body, headers: {'Content-Type': 'application/json'}});
      const reader = answer.body.getReader(), decoder = new TextDecoder();
      for (let text = '', part; part = await reader.read(), !part.done;) {
        const lines = (text += decoder.decode(part.value, {stream: true})).split('\n');
        text = lines.pop();
        lines.filter(Boolean).forEach(one => line(JSON.parse(one)));
      }
    } catch (error) { out('The device does not answer. Is it on?'); }
    busy = false;
  };
  document.addEventListener('click', event => {
    const button = event.target.closest('button[data-post]');
    if (button && !busy) send(button);
  });
  setInterval(async () => {
    if (busy || document.hidden || document.activeElement !== document.body) return;
    try {
      const answer = await fetch('/');
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      document.title = fresh.title;
      document.querySelector('link[rel=icon]').href = fresh.querySelector('link[rel=icon]').href;
      const open = !!document.querySelector('details[open]'), said = (document.getElementById('out') || {}).textContent;
      document.querySelector('main').replaceWith(fresh.querySelector('main'));
      const details = document.querySelector('details');
      if (details) details.open = open;
      if (said) out(said);
    } catch (error) { document.title = 'Drey: no answer'; }
  }, 10000);
})();
