// Fills the home page from the public endpoints; each part stands alone, so that one service's absence hides nothing else.
const { running, down, unavailable } = document.body.dataset;
const language = document.documentElement.lang;
const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Taipei' });

function show(name, text) {
  for (const element of document.querySelectorAll(`[data-value="${name}"]`)) element.textContent = text;
}

async function load(path, names, fill) {
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' } });
    fill(await response.json(), response);
  } catch {
    for (const name of names) show(name, unavailable);
  }
}

function countdown(secondsLeft) {
  const end = performance.now() + secondsLeft * 1000;
  const tick = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    show('next.countdown', [h, m, s].map((n) => String(n).padStart(2, '0')).join(':'));
    if (left > 0) setTimeout(tick, 1000);
  };
  tick();
}

show('origin', location.origin);

load('/api/v1/crls/next', ['next.cut', 'next.countdown'], (next) => {
  show('next.cut', time.format(new Date(next.cut)));
  countdown(next.seconds);
});

load(
  '/api/v1/crls?limit=1',
  ['latest.number', 'latest.entryCount', 'latest.nextUpdate', 'latest.sha256'],
  ({ items: [latest] }) => {
    show('latest.number', latest.number);
    show('latest.entryCount', latest.entryCount);
    show('latest.nextUpdate', time.format(new Date(latest.nextUpdate)));
    show('latest.sha256', latest.sha256);
  },
);

load('/readyz', ['services'], ({ services }) => {
  const list = document.querySelector('[data-value="services"]');
  // Services that are processes of their own say it to those who run them, and not to the public.
  if (!services) return void (list.closest('section').hidden = true);
  list.replaceChildren(
    ...Object.entries(services).map(([name, state]) => {
      const item = document.createElement('li');
      item.className = state === 'ready' ? 'ready' : 'down';
      item.textContent = `${name} — ${state === 'ready' ? running : down}`;
      return item;
    }),
  );
});
