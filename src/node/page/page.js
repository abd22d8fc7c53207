/* Orders of a signed-in page, uploads, and a refresh. Every page is whole without it. */
(() => {
  const byId = id => document.getElementById(id), all = what => [...document.querySelectorAll(what)];
  const said = {}, busy = {};
  let until = 0, code = '', sending = false;
  const say = (box, text) => {
    said[box] = text;
    if (byId(box)) byId(box).textContent = text;
  };
  /* The same page as it is now; what was said and unfolded stays. */
  const refresh = async () => {
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      document.title = fresh.title;
      document.querySelector('link[rel=icon]').href = fresh.querySelector('link[rel=icon]').href;
      const open = all('details').map(one => one.open);
      document.querySelector('main').replaceWith(fresh.querySelector('main'));
      all('details').forEach((one, i) => { one.open = open[i]; });
      for (const box in said) say(box, said[box]);
      many();
    } catch (error) { document.title = 'Drey: no answer'; }
  };
  const many = () => all('input[type=file]').forEach(one => { one.multiple = true; });
  /* The code of an invitation, and how long it is good. */
  const left = () => {
    if (!until) return;
    const s = Math.max(0, Math.round((until - Date.now()) / 1000));
    say('code', code + '\nGood for ' + Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0') + '; press again to withdraw it');
    setTimeout(left, 1000);
  };
  const line = (box, row) => {
    if (row.type == 'code') {
      code = 'On the other device: drey join ' + row.code;
      until = Date.now() + row.expires_s * 1000;
      left();
    } else if (row.type == 'progress') say(box, row.files + ' files, ' + Math.round(row.bytes / 1048576) + ' MiB');
    else if (row.type == 'joined') { until = 0; say(box, row.node + ' has joined.'); }
    else if (row.snapshot) say(box, 'Backed up: ' + row.files + ' files. ' + row.message);
    else if (row.message) say(box, row.message);
    else if (row.deleted) say(box, 'Deleted.');
    else if (until) { until = 0; say(box, 'This code is good no more.'); }
    else if (said[box] == '…') say(box, 'Done.');
  };
  const send = async ({post, method, body, ask, out = 'out'}) => {
    if (busy[out] && out == 'code') return busy[out].abort();
    if (busy[out] || ask && !confirm(ask)) return;
    const stop = busy[out] = new AbortController();
    say(out, '…');
    try {
      const answer = await fetch(post, {method: method || 'POST', body, signal: stop.signal, headers: {'Content-Type': 'application/json'}});
      const reader = answer.body.getReader(), decoder = new TextDecoder();
      for (let text = '', part; part = await reader.read(), !part.done;) {
        const lines = (text += decoder.decode(part.value, {stream: true})).split('\n');
        text = lines.pop();
        lines.filter(Boolean).forEach(one => line(out, JSON.parse(one)));
      }
    } catch (error) { say(out, stop.signal.aborted ? 'The code was withdrawn.' : 'The device does not answer. Is it on?'); }
    if (out == 'code') until = 0;
    busy[out] = null;
    refresh();
  };
  const upload = file => new Promise(done => {
    const before = said.up ? said.up + '\n' : '', request = new XMLHttpRequest();
    const tell = words => say('up', before + file.name + ': ' + words);
    const bar = part => {
      byId('bar').hidden = part == null;
      byId('bar').value = part || 0;
    };
    tell('on its way');
    bar(0);
    request.upload.onprogress = event => bar(event.loaded / event.total);
    request.upload.onload = () => tell('is here, and is being made safe');
    request.onloadend = () => {
      let row = {};
      try { row = JSON.parse(request.response); } catch (error) { }
      tell(row.existed ? 'was kept already' : row.file_id ? 'kept' : row.message || 'did not arrive: a folder, or the device is off?');
      bar();
      done();
    };
    request.open('POST', '/files/upload?name=' + encodeURIComponent(file.name));
    request.send(file);
  });
  const uploads = async files => {
    if (sending || !byId('up')) return;
    sending = true;
    said.up = '';
    for (const file of files) await upload(file);
    sending = false;
    refresh();
  };
  document.addEventListener('click', event => {
    const button = event.target.closest('button[data-post]');
    if (button) send(button.dataset);
  });
  document.addEventListener('change', event => {
    if (event.target.type == 'file') uploads([...event.target.files]);
  });
  document.addEventListener('dragover', event => event.preventDefault());
  document.addEventListener('drop', event => {
    event.preventDefault();
    uploads([...event.dataTransfer.files]);
  });
  setInterval(() => {
    if (location.pathname == '/' && !sending && !document.hidden && document.activeElement == document.body) refresh();
  }, 10000);
  many();
})();
