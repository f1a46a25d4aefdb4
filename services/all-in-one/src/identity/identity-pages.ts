import type { Role } from '#libs/doors';
import { DEMO_USERS, type DemoUser } from '../demo-users.js';

export const LANGUAGES = ['zh-TW', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const TEXTS = {
  'zh-TW': {
    title: '示範登入',
    lead: '請選擇您的身分。以下人員僅存在於示範環境，不需密碼；正式環境請設定您的身分提供者（OpenID Connect）。',
    people: '人員',
    machines: '機關與設備',
    logoutTitle: '登出',
    logoutLead: '確定要登出管理中心作業台嗎？',
    logout: '登出',
    stay: '不登出',
    loggedOut: '您已登出。',
    failed: '無法登入',
    failedLead: '登入要求已逾時或內容不正確。請回到作業台重新登入。',
    back: '回管理中心作業台',
    switchTo: 'English',
  },
  en: {
    title: 'Demo sign-in',
    lead: 'Choose who you are. These people exist in the demo only and have no passwords; elsewhere, set your own OpenID Connect provider.',
    people: 'People',
    machines: 'Offices and machines',
    logoutTitle: 'Sign out',
    logoutLead: 'Sign out of the officers’ console?',
    logout: 'Sign out',
    stay: 'Stay signed in',
    loggedOut: 'You are signed out.',
    failed: 'Sign-in failed',
    failedLead: 'The request has expired or was not valid. Please go back to the console and sign in again.',
    back: 'Back to the console',
    switchTo: '中文',
  },
} satisfies Record<Language, Record<string, string>>;

const ROLE_NAMES: Record<Language, Record<Role, string>> = {
  'zh-TW': {
    'application-officer': '申請機關承辦人',
    'ca-operator': '憑證中心操作員',
    'ca-officer': '憑證中心主管',
    auditor: '稽核員',
    'registration-office': '登記機關',
    kiosk: '自助服務機',
    service: '系統服務',
  },
  en: {
    'application-officer': 'application officer',
    'ca-operator': 'CA operator',
    'ca-officer': 'CA officer',
    auditor: 'auditor',
    'registration-office': 'registration office',
    kiosk: 'kiosk',
    service: 'service',
  },
};
const NAMES: Record<DemoUser, string> = {
  lin: '林 Lin',
  chen: '陳 Chen',
  wang: '王 Wang',
  wu: '吳 Wu',
  huang: '黃 Huang',
  'office-63': 'office-63',
  'kiosk-1': 'kiosk-1',
};
const MACHINES: readonly DemoUser[] = ['office-63', 'kiosk-1'];

/** Every form and link stays where it is: paths are relative to `/identity/interaction/<uid>`. */
export function loginPage(language: Language, action: string): string {
  const t = TEXTS[language];
  const button = (user: DemoUser) => {
    const roles = DEMO_USERS[user].map((role) => ROLE_NAMES[language][role]).join('、');
    return `<li><button name="user" value="${user}"><strong>${NAMES[user]}</strong> <span>${roles}</span></button></li>`;
  };
  const users = Object.keys(DEMO_USERS) as DemoUser[];
  const list = (who: readonly DemoUser[]) => `<ul>${who.map(button).join('')}</ul>`;
  return page(
    language,
    t.title,
    `<p>${t.lead}</p>
<form method="post" action="${escape(action)}">
<h2>${t.people}</h2>${list(users.filter((user) => !MACHINES.includes(user)))}
<h2>${t.machines}</h2>${list(MACHINES)}
</form>`,
    `${action}?lang=${language === 'en' ? 'zh-TW' : 'en'}`,
  );
}

/** @param form  oidc-provider's own, with the id `op.logoutForm` */
export const logoutPage = (language: Language, form: string): string => {
  const t = TEXTS[language];
  return page(
    language,
    t.logoutTitle,
    `<p>${t.logoutLead}</p>${form}
<ul><li><button form="op.logoutForm" name="logout" value="yes"><strong>${t.logout}</strong></button></li>
<li><button form="op.logoutForm"><span>${t.stay}</span></button></li></ul>`,
  );
};

export const loggedOutPage = (language: Language): string =>
  page(language, TEXTS[language].loggedOut, `<p><a href="/console">${TEXTS[language].back}</a></p>`);

/** @param code  of OAuth, `invalid_request` */
export const failurePage = (language: Language, code: string): string => {
  const t = TEXTS[language];
  return page(
    language,
    t.failed,
    `<p>${t.failedLead}</p><p><code>${escape(code)}</code></p><p><a href="/console">${t.back}</a></p>`,
  );
};

function page(language: Language, title: string, content: string, otherLanguage?: string): string {
  const other = language === 'en' ? 'zh-Hant-TW' : 'en';
  return `<!doctype html>
<html lang="${language === 'en' ? 'en' : 'zh-Hant-TW'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}｜kaika 開卡</title>
<link rel="stylesheet" href="/identity/style.css">
</head>
<body>
<main>
${otherLanguage ? `<p class="other"><a href="${escape(otherLanguage)}" lang="${other}" hreflang="${other}">${TEXTS[language].switchTo}</a></p>` : ''}
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}

export const STYLE = `:root { color-scheme: light dark; --ink: light-dark(#17222b, #e7edf2); --paper: light-dark(#fff, #171d23); --edge: light-dark(#6b7c88, #8497a5); --brand: light-dark(#0a5a83, #7cc6ef); --soft: light-dark(#4a5965, #a9b7c2); --focus: light-dark(#b45309, #fbbf24); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.7 system-ui, 'Noto Sans TC', 'Noto Sans CJK TC', sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { margin: 0 0 0.5rem; font-size: 1.75rem; line-height: 1.35; }
h2 { margin: 1.75rem 0 0.5rem; font-size: 1.1rem; }
a { color: var(--brand); }
.other { margin: 0; text-align: right; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.6rem; }
button { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; align-items: center; width: 100%; min-height: 3.25rem; padding: 0.5rem 1rem; font: inherit; text-align: left; color: var(--ink); background: none; border: 1px solid var(--edge); border-left: 5px solid var(--brand); border-radius: 0.6rem; cursor: pointer; }
button span { color: var(--soft); }
button:hover { border-color: var(--brand); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
`;

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
