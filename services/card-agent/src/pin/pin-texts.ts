import { HINTS } from '../page/hints.js';
import type { Text } from '../page/language.js';
import type { PinKind, PinState } from './pin-session.js';

export const TITLES: Record<PinKind, Text> = {
  'set-pin': ['設定IC卡PIN碼', 'Set the card’s PIN'],
  'reset-pin': ['重設IC卡PIN碼', 'Set a new PIN for the card'],
  'change-pin': ['變更IC卡PIN碼', 'Change the card’s PIN'],
  sign: ['電子簽章', 'Sign with your card'],
  'check-pin': ['PIN碼驗證及測試簽章', 'PIN and test signature'],
};

const KEEP: Text = [
  '請設定憑證IC卡的PIN碼，並熟記及妥善保管PIN碼。',
  'Choose a PIN for the card, keep it in mind and to yourself.',
];

export const ASK: Record<PinKind, Text> = {
  'set-pin': KEEP,
  'reset-pin': KEEP,
  'change-pin': ['請輸入目前的PIN碼，並設定新的PIN碼。', 'Type the PIN the card has now, and the new one.'],
  sign: ['請確認下列網站，並輸入PIN碼以進行電子簽章。', 'Check the site below and type your PIN to sign.'],
  'check-pin': [
    '本項檢測將使用卡片的PIN碼；若不確定PIN碼，請關閉此頁。',
    'This check uses the card’s PIN. If you are not sure of it, close this page.',
  ],
};

/** A CHANGE may have reached the card, and only the holder knows what was typed. */
export const ASK_AGAIN: Text = [
  '請輸入您先前設定的PIN碼；若尚未設定，請輸入新的PIN碼。',
  'Type the PIN you set before; if you have set none, a new one.',
];

/** The centre makes two jobs with PUKs online, and no third (docs/PIN.md). */
export const LAST_ONLINE: Text = [
  '前次重設PIN碼未完成，這是最後一次線上重設的機會。請勿取出卡片或關閉此頁，直到顯示已重新設定為止；若再中斷，須將卡片寄回管理中心。',
  'An earlier reset of this PIN was not finished; this is the last one that can be done online. Leave the card in and this page open until it says that the new PIN is set: if it breaks off again, the card has to be sent in.',
];

export const RULES = {
  digits: ['IC卡的PIN碼限6~8碼數字', 'Six to eight digits'],
  ascii: ['IC卡的PIN碼限6~8碼英文字母、數字及特殊符號', 'Six to eight letters, digits and symbols'],
} satisfies Record<string, Text>;

export const LABELS = {
  oldPin: ['目前PIN碼：', 'Present PIN'],
  pin: ['PIN碼：', 'PIN'],
  newPin: ['設定IC卡PIN碼：', 'New PIN'],
  confirmPin: ['確認IC卡PIN碼：', 'The same PIN again'],
  cardNumber: ['IC卡卡號', 'Card number'],
  name: ['憑證用戶名稱', 'Name'],
  site: ['網站', 'Site'],
  triesLeft: ['PIN碼剩餘次數', 'Tries left'],
} satisfies Record<string, Text>;

const DONE: Record<PinKind, Text> = {
  'set-pin': [
    '恭喜您已完成開卡作業，請牢記您所設定之PIN碼。您可以關閉此頁。',
    'Your card is now activated. Keep the PIN in mind: it is stored on the card alone. You may close this page.',
  ],
  'reset-pin': [
    'PIN碼已重新設定，請牢記您所設定之PIN碼。您可以關閉此頁。',
    'The new PIN is set. Keep it in mind: it is stored on the card alone. You may close this page.',
  ],
  'change-pin': ['PIN碼變更完成。您可以關閉此頁。', 'The PIN is changed. You may close this page.'],
  sign: ['簽章完成。您可以關閉此頁。', 'Signed. You may close this page.'],
  'check-pin': [
    '√ PIN碼驗證成功，測試簽章成功。您可以關閉此頁。',
    '√ The PIN is right and the test signature verifies. You may close this page.',
  ],
};

const LOCKED_BEFORE: Text = [
  '卡片已鎖卡（27011）。請將卡片寄回管理中心解卡。',
  'The card is locked (27011). Send it in; it is unlocked and returned by registered mail.',
];
const LOCKED: Text = [
  '卡片已鎖卡。請以用戶代碼辦理鎖卡解碼。',
  'The card is locked. Unlock it online with your user code.',
];

const ENDS: Partial<Record<PinState, Text>> = {
  refused: [
    '卡片不接受此PIN碼。請回到原網頁重新進行PIN碼設定。',
    'The card did not take this PIN. Go back to the page you came from and start the PIN step again.',
  ],
  'last-try': [
    'PIN碼只剩一次輸入機會，為避免鎖卡，未送出任何資料。請以用戶代碼辦理鎖卡解碼（忘記PIN碼）。',
    'One try is left for the PIN. So as not to lock the card, nothing was sent to it. Use “forgotten PIN” with your user code.',
  ],
  'send-in': [
    '無法解除鎖定。為避免卡片損壞，請勿再試，並將卡片寄回管理中心。',
    'The card could not be unlocked. So as not to make it useless, do not try again; send it in.',
  ],
  expired: [
    '此頁已逾時，請回到原網頁重新操作。',
    'This page has expired. Go back to the page you came from and start again.',
  ],
  working: ['資料處理中，請稍候...', 'Working, please wait…'],
};

const RESET_BROKEN_OFF: Text = [
  '重設PIN碼未完成。請回到原網頁再操作一次；這將是最後一次線上重設的機會，請勿中途取出卡片。',
  'The new PIN was not set. Go back to the page you came from and start again: that will be the last time it can be done online, so leave the card in until it is done.',
];

/** What is said in place of the form; undefined while the form is open. */
export function resultText(kind: PinKind, state: PinState, lastOnline = false): Text | undefined {
  if (state === 'done') return DONE[kind];
  if (state === 'refused' && kind === 'reset-pin') return lastOnline ? ENDS['send-in'] : RESET_BROKEN_OFF;
  if (state === 'locked') return kind === 'set-pin' ? LOCKED_BEFORE : LOCKED;
  return ENDS[state];
}

/** By the code of what was wrong with the last try. */
export const PROBLEMS: Partial<Record<string, Text>> = {
  ...HINTS,
  pinMismatch: ['兩次輸入的PIN碼不同，請重新輸入。', 'The two PINs differ. Please type them again.'],
  pinFormat: [
    '卡片不接受此格式的PIN碼，請重新輸入。',
    'The card does not take a PIN of this form. Please choose another.',
  ],
  pinRefused: ['PIN碼錯誤，請重新輸入。', 'The PIN is wrong. Please type it again.'],
  cardRemoved: [
    '卡片已被取出。請重新插入，並輸入相同的PIN碼。',
    'The card was taken out. Insert it again and type the same PIN.',
  ],
};
