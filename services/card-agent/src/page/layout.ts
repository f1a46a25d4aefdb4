import { createHash } from 'node:crypto';
import { type Language, say, type Text } from './language.js';

const STYLE = `
:root{color-scheme:light dark}
body{margin:0;font:1.0625rem/1.6 system-ui,"Noto Sans TC","Microsoft JhengHei",sans-serif;background:#f3f5f7;color:#1b2430}
main{max-width:32rem;margin:5vh auto;padding:2rem;background:#fff;border:1px solid #d5dbe1;border-radius:.75rem}
.lang{float:right;font-size:.9rem}
h1{margin:0 0 .25rem;font-size:1.5rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1.25rem 0}
dt{color:#4b5866}dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
label{display:block;margin-top:1.25rem;font-weight:600}
input{box-sizing:border-box;width:100%;margin-top:.35rem;padding:.65rem .75rem;font:inherit;letter-spacing:.15em;border:1px solid #77828e;border-radius:.4rem;background:#fff;color:#1b2430}
button{margin-top:1.75rem;width:100%;padding:.8rem;font:inherit;font-weight:600;border:0;border-radius:.4rem;background:#0b5c8a;color:#fff;cursor:pointer}
a{color:#0b5c8a}
:focus-visible{outline:3px solid #f0a202;outline-offset:2px}
.note{margin:1.25rem 0;padding:.75rem 1rem;border-left:4px solid #b3261e;background:#fdecea;color:#5c1410}
.good{border-color:#1e7a3c;background:#e8f5ec;color:#0f4a22}
.code{font-size:2.5rem;letter-spacing:.3em;font-weight:600;font-variant-numeric:tabular-nums}
ol{padding-left:1.75rem}li{margin:.6rem 0}li span{font-weight:600}li small{display:block;color:#4b5866}
@media (prefers-color-scheme:dark){body{background:#12171c;color:#e6ebf0}main{background:#1b2229;border-color:#34404b}dt,li small{color:#a9b5c1}input{background:#12171c;color:#e6ebf0}a{color:#7cc4ee}}
`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');

/** Nothing loads, nothing runs, nobody frames it; a form comes back here. */
export const PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Page {
  title: Text;
  language: Language;
  /** Its own path, where the switch of the language leads */
  self: string;
  /** HTML */
  body: string;
  /** The page asks again by itself, without a script, while the card is at work. */
  refreshSeconds?: number;
}

/** A page of the agent's own: no script, opened as a window of its own, with a switch between the languages. */
export function layout({ title, language, self, body, refreshSeconds }: Page): string {
  const heading = escape(say(title, language));
  const refresh = refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`;
  const other =
    language === 'zh'
      ? `<a class="lang" href="${escape(self)}?lang=en" hreflang="en" lang="en">English</a>`
      : `<a class="lang" href="${escape(self)}?lang=zh" hreflang="zh-Hant-TW" lang="zh-Hant-TW">中文</a>`;
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-Hant-TW' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${heading}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${other}
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;
}

/** `alert` is read out at once, `status` when the reader is idle. */
export function note(text: string, good = false): string {
  return `<p class="note${good ? ' good' : ''}" role="${good ? 'status' : 'alert'}">${escape(text)}</p>`;
}

export function facts(rows: readonly (readonly [label: string, value: string | undefined])[]): string {
  const shown = rows.filter(([, value]) => value !== undefined);
  return `<dl>${shown.map(([label, value]) => `<dt>${escape(label)}</dt><dd>${escape(value!)}</dd>`).join('')}</dl>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escape = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
