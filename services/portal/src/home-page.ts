import type { PortalConfig } from './portal.config.js';

export const LANGUAGES = ['zh-TW', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const TEXTS = {
  'zh-TW': {
    title: 'kaika 開卡',
    lead: '工商憑證 IC 卡的開放原始碼憑證管理中心後台：申請、啟用、停復用，並於每日午夜簽發及公佈廢止清冊。',
    disclaimer: '本系統為開放原始碼軟體，並非經濟部工商憑證管理中心，與其無任何隸屬關係。畫面資料均屬虛構。',
    nextList: '下一份廢止清冊',
    nextAt: '預定公佈時間',
    countdown: '距離公佈',
    latest: '最近一份',
    number: '清冊編號',
    entries: '所載憑證數',
    validUntil: '有效至',
    digest: 'SHA-256',
    download: '下載廢止清冊（DER）',
    services: '系統服務狀態',
    running: '運作中',
    down: '未運作',
    loading: '讀取中…',
    unavailable: '目前無法取得資料，請稍後再試。',
    links: '連結',
    docs: 'API 文件',
    openapi: 'OpenAPI 文件（JSON）',
    crls: '歷次廢止清冊（JSON）',
    ca: '憑證機構憑證隨憑證之 AIA 欄位提供下載',
    verify: '如何驗證廢止清冊',
    hotlines: '客服專線',
    switchTo: 'English',
    needsScript: '即時資料需要啟用 JavaScript；下列連結不受影響。',
  },
  en: {
    title: 'kaika 開卡',
    lead: 'An open-source CA back office for business IC-card certificates: apply, activate, suspend, and publish the signed revocation list at midnight.',
    disclaimer:
      'This is open-source software. It is not MOEACA and not affiliated with it. Everything shown here is fictitious.',
    nextList: 'Next revocation list',
    nextAt: 'Published at',
    countdown: 'Time left',
    latest: 'Latest list',
    number: 'CRL number',
    entries: 'Certificates on it',
    validUntil: 'Valid until',
    digest: 'SHA-256',
    download: 'Download the list (DER)',
    services: 'Services',
    running: 'running',
    down: 'not running',
    loading: 'loading…',
    unavailable: 'This cannot be shown at the moment. Please try again later.',
    links: 'Links',
    docs: 'API documentation',
    openapi: 'OpenAPI document (JSON)',
    crls: 'All lists so far (JSON)',
    ca: 'The CA certificates are where the AIA field of each certificate says',
    verify: 'How to check a list',
    hotlines: 'Hotlines',
    switchTo: '中文',
    needsScript: 'Live figures need JavaScript; the links below work without it.',
  },
} satisfies Record<Language, Record<string, string>>;

/** The page at `/`. The script fills every `data-value` from the public endpoints. */
export function homePage(language: Language, config: PortalConfig): string {
  const t = TEXTS[language];
  const other = language === 'en' ? 'zh-TW' : 'en';
  const row = (label: string, name: string) => `<div><dt>${label}</dt><dd data-value="${name}">${t.loading}</dd></div>`;
  const hotlines = config.hotlines.map(
    ({ where, number }) => `<div><dt>${escape(where)}</dt><dd>${escape(number)}</dd></div>`,
  );
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${t.title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/portal.css">
<script type="module" src="/assets/portal.js"></script>
</head>
<body data-running="${t.running}" data-down="${t.down}" data-unavailable="${t.unavailable}">
<header>
<p class="language"><a href="/?lang=${other}" hreflang="${other}" lang="${other}">${t.switchTo}</a></p>
<h1>${t.title}</h1>
<p class="lead">${t.lead}</p>
<p class="disclaimer" role="note">${t.disclaimer}</p>
</header>
<main>
<noscript><p role="note">${t.needsScript}</p></noscript>
<section aria-labelledby="next">
<h2 id="next">${t.nextList}</h2>
<dl>${row(t.nextAt, 'next.cut')}${row(t.countdown, 'next.countdown')}</dl>
</section>
<section aria-labelledby="latest">
<h2 id="latest">${t.latest}</h2>
<dl>${row(t.number, 'latest.number')}${row(t.entries, 'latest.entryCount')}${row(t.validUntil, 'latest.nextUpdate')}${row(t.digest, 'latest.sha256')}</dl>
<p><a class="button" href="/crl/complete.crl">${t.download}</a></p>
<details><summary>${t.verify}</summary>
<pre><code>curl -O <span data-value="origin">http://localhost:8080</span>/crl/complete.crl
openssl crl -inform der -in complete.crl -noout -text
openssl crl -inform der -in complete.crl -CAfile ca.pem -noout</code></pre></details>
</section>
<section aria-labelledby="services">
<h2 id="services">${t.services}</h2>
<ul data-value="services" aria-live="polite"><li>${t.loading}</li></ul>
</section>
<section aria-labelledby="links">
<h2 id="links">${t.links}</h2>
<ul>
<li><a href="/api/docs/">${t.docs}</a></li>
<li><a href="/api/openapi.json">${t.openapi}</a></li>
<li><a href="/api/v1/crls">${t.crls}</a></li>
<li>${t.ca}</li>
</ul>
</section>
${hotlines.length > 0 ? `<section aria-labelledby="hotlines"><h2 id="hotlines">${t.hotlines}</h2><dl>${hotlines.join('')}</dl></section>` : ''}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
