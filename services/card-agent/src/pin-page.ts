import { createHash } from 'node:crypto';
import { type CardProfile, PIN_MAX_LENGTH, PIN_MIN_LENGTH } from '#libs/piv';
import type { PinState } from './pin-session.js';

export interface PinPage {
  cardNumber?: string;
  state: PinState;
  /** The card's, when it was there to be asked */
  profile?: CardProfile;
  pinTries?: number;
  /** A CHANGE may have reached the card: the holder types the PIN set before. */
  maybeChanged?: boolean;
  /** Code of what was wrong with the last try */
  problem?: string;
}

/** zh-TW beside English, as text: escaped where it enters the page. */
type Text = readonly [chinese: string, english: string];

const RESULTS: Partial<Record<PinState, Text>> = {
  done: ['恭喜您已完成開卡作業', 'Your card is now activated. Keep the PIN in mind: it is stored on the card alone.'],
  refused: [
    '卡片不接受此 PIN 碼。請回到原網頁重新進行 PIN 碼設定。',
    'The card did not take this PIN. Go back to the page you came from and start the PIN step again.',
  ],
  'last-try': [
    'PIN 碼只剩一次輸入機會，為避免鎖卡，未送出任何資料。',
    'One try is left for the PIN. So as not to lock the card, nothing was sent to it.',
  ],
  locked: [
    '卡片已鎖卡（27011）。請將卡片寄回管理中心解卡。',
    'The card is locked (27011). Send it in; it is unlocked and returned by registered mail.',
  ],
  expired: [
    '此頁已逾時，請回到原網頁重新操作。',
    'This page has expired. Go back to the page you came from and start again.',
  ],
  working: ['資料處理中，請稍候...', 'Working, please wait…'],
};

const PROBLEMS: Record<string, Text> = {
  pinMismatch: ['兩次輸入的 PIN 碼不同，請重新輸入。', 'The two PINs differ. Please type them again.'],
  pinFormat: [
    '卡片不接受此格式的 PIN 碼，請重新輸入。',
    'The card does not take a PIN of this form. Please choose another.',
  ],
  noReader: ['未偵測到智慧卡讀卡機。', 'No card reader was found.'],
  noCard: [
    '智慧卡讀卡機中未偵測到智慧卡或晶片卡，請插入卡片後再試。',
    'There is no card in the reader. Insert it and try again.',
  ],
  readerBusy: ['卡片使用中，請稍候再試。', 'The card is in use. Please try again shortly.'],
  cardRemoved: [
    '卡片已被取出。請重新插入，並輸入相同的 PIN 碼。',
    'The card was taken out. Insert it again and type the same PIN.',
  ],
  proofRefused: ['這不是原來的卡片，請插入原來的卡片。', 'This is not the card you began with. Insert that one.'],
  unknownCardKind: ['不明連接卡', 'This card is not one of ours.'],
  other: [
    '初始化卡片失敗!! 請重新插入卡片後再試。',
    'The card did not answer as expected. Insert it again and try once more.',
  ],
};

const STYLE = `
:root{color-scheme:light dark}
body{margin:0;font:1.0625rem/1.6 system-ui,"Noto Sans TC","Microsoft JhengHei",sans-serif;background:#f3f5f7;color:#1b2430}
main{max-width:30rem;margin:6vh auto;padding:2rem;background:#fff;border:1px solid #d5dbe1;border-radius:.75rem}
h1{margin:0 0 .25rem;font-size:1.5rem}
[lang=en]{display:block;font-size:.9em;color:#4b5866}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1.25rem 0}
dt{color:#4b5866}dd{margin:0;font-variant-numeric:tabular-nums}
label{display:block;margin-top:1.25rem;font-weight:600}
input{box-sizing:border-box;width:100%;margin-top:.35rem;padding:.65rem .75rem;font:inherit;letter-spacing:.15em;border:1px solid #77828e;border-radius:.4rem;background:#fff;color:#1b2430}
button{margin-top:1.75rem;width:100%;padding:.8rem;font:inherit;font-weight:600;border:0;border-radius:.4rem;background:#0b5c8a;color:#fff;cursor:pointer}
button [lang=en]{color:inherit}
:focus-visible{outline:3px solid #f0a202;outline-offset:2px}
.note{margin:1.25rem 0;padding:.75rem 1rem;border-left:4px solid #b3261e;background:#fdecea;color:#5c1410}
.note [lang=en]{color:inherit}
.good{border-color:#1e7a3c;background:#e8f5ec;color:#0f4a22}
@media (prefers-color-scheme:dark){body{background:#12171c;color:#e6ebf0}main{background:#1b2229;border-color:#34404b}[lang=en],dt{color:#a9b5c1}input{background:#12171c;color:#e6ebf0}}
`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');

/** Nothing loads, nothing runs, nobody frames it; the form comes back here. */
export const PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page on which a holder sets the PIN: no script, the agent's own, opened as a window of its own. */
export function pinPage(page: PinPage): string {
  const result = RESULTS[page.state];
  const body = result ? note(result, page.state === 'done') : form(page);
  return `<!doctype html>
<html lang="zh-Hant-TW">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>設定IC卡PIN碼 · Set the card’s PIN</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>設定IC卡PIN碼 <span lang="en">Set the card’s PIN</span></h1>
${facts(page)}
${body}
</main>
</body>
</html>
`;
}

function form({ profile, problem, maybeChanged }: PinPage): string {
  const digits = profile?.pinCharset !== 'ascii';
  const rule: Text = digits
    ? ['IC卡的PIN碼限6~8碼數字', 'Six to eight digits']
    : ['IC卡的PIN碼限6~8碼英文字母、數字及特殊符號', 'Six to eight letters, digits and symbols'];
  const ask: Text = maybeChanged
    ? [
        '請輸入您先前設定的PIN碼；若尚未設定，請輸入新的PIN碼',
        'Type the PIN you set before; if you have set none, a new one',
      ]
    : [
        '請設定憑證IC卡的PIN碼，並熟記及妥善保管PIN碼',
        'Choose a PIN for the card, and keep it in mind and to yourself',
      ];
  return `${problem === undefined ? '' : note(PROBLEMS[problem] ?? PROBLEMS.other!, false)}
<form method="post" autocomplete="off">
<p id="rule">${both(ask)}<br>${both(rule)}</p>
${field('newPin', ['設定IC卡PIN碼：', 'New PIN'], digits)}
${field('confirmPin', ['確認IC卡PIN碼：', 'The same PIN again'], digits)}
<button type="submit">${both(['設定IC卡PIN碼', 'Set the PIN'])}</button>
</form>`;
}

function field(name: string, label: Text, digits: boolean): string {
  const pattern = `${digits ? '[0-9]' : '[!-~]'}{${PIN_MIN_LENGTH},${PIN_MAX_LENGTH}}`;
  return `<label for="${name}">${both(label)}</label>
<input id="${name}" name="${name}" type="password" required minlength="${PIN_MIN_LENGTH}" maxlength="${PIN_MAX_LENGTH}"
 pattern="${pattern}" inputmode="${digits ? 'numeric' : 'text'}" autocomplete="new-password" aria-describedby="rule">`;
}

function facts({ cardNumber, pinTries }: PinPage): string {
  const rows: [Text, string | undefined][] = [
    [['卡號', 'Card number'], cardNumber],
    [['剩餘次數', 'Tries left'], pinTries?.toString()],
  ];
  const shown = rows.filter((row): row is [Text, string] => row[1] !== undefined);
  return `<dl>${shown.map(([label, value]) => `<dt>${both(label)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

function note(text: Text, good: boolean): string {
  return `<p class="note${good ? ' good' : ''}" role="${good ? 'status' : 'alert'}">${both(text)}</p>`;
}

const both = ([chinese, english]: Text) => `${escape(chinese)} <span lang="en">${escape(english)}</span>`;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
