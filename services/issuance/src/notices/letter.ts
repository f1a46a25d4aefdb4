import type { Hotline } from '#libs/config';
import { chineseLetter } from './letter.zh.js';
import { englishLetter } from './letter.en.js';
import type { NoticeContent } from './notice.js';

export interface Addressee {
  /** The company's. */
  readonly name: string;
  /** Of a card's notice; an application's has its case number. */
  readonly cardNumber: string | null;
  readonly caseNumber: string | null;
}

/** What a letter says in one language. */
export interface Letter {
  readonly subject: string;
  readonly paragraphs: string[];
}

/**
 * The mail of a notice: in Chinese, then in English, plain text. It has no links, shows the last four digits of the card
 * number only, and holds no secret but a one-time code. A case number opens nothing by itself and is shown whole.
 *
 * @param code of a one-time code's notice
 */
export function writeLetter(
  content: NoticeContent,
  { name, cardNumber, caseNumber }: Addressee,
  { hotlines = [], code = '' }: { hotlines?: readonly Hotline[]; code?: string },
): { subject: string; text: string } {
  const card = cardNumber === null ? undefined : maskCardNumber(cardNumber);
  const number = card ?? caseNumber ?? '';
  const numbers = hotlines.map(({ where, number }) => `${where} ${number}`);
  const zh = chineseLetter(content, code);
  const en = englishLetter(content, code);
  const chinese = [
    `${name} 您好：`,
    ...zh.paragraphs,
    [
      `${card ? '卡號' : '案件編號'}：${number}`,
      ...(numbers.length > 0 ? [`客服專線：${numbers.join('、')}`] : []),
    ].join('\n'),
    '本信由系統自動寄發，請勿直接回覆。本中心不會以電子郵件或電話索取您的用戶代碼、PIN 碼或身分證字號。',
  ];
  const english = [
    `Dear ${name},`,
    ...en.paragraphs,
    [
      `${card ? 'Card number' : 'Case number'}: ${number}`,
      ...(numbers.length > 0 ? [`Hotline: ${numbers.join('; ')}`] : []),
    ].join('\n'),
    'This message was sent automatically; please do not reply. We never ask for your user code, PIN or national ID by ' +
      'e-mail or telephone.',
  ];
  const text = `${[...chinese, '－－－－－－－－－－', ...english].join('\n\n')}\n`;
  return { subject: `${zh.subject} ${en.subject} (${number.slice(-4)})`, text };
}

/** All but the last four characters are hidden. */
export function maskCardNumber(cardNumber: string): string {
  return `${'*'.repeat(Math.max(0, cardNumber.length - 4))}${cardNumber.slice(-4)}`;
}
