import type { Hotline } from '#libs/config';
import type { Outcome } from './return-state.js';

export interface Words {
  readonly title: string;
  readonly lines: string[];
}
export type BothLanguages = Record<'zh-TW' | 'en', Words>;

export interface SlipFacts {
  readonly caseNumber: string;
  readonly slipCode: string;
  readonly cardNumber: string;
  readonly errorMessage: string;
  readonly contact: { readonly name: string; readonly phone: string; readonly address: string };
}

export const SLIP_TITLE = '憑證 IC 卡送回檢測單';
/** What the holder is asked to do, at the foot of the slip. */
export const slipNotes = (hotlines: readonly Hotline[]): string[] => [
  '請將本單與卡片一併以掛號郵件寄送本中心。卡片請勿彎折、打孔或黏貼，並請勿附上 PIN 碼或用戶代碼。',
  '處理進度可憑案件編號及查詢碼至本中心網站查詢。處理完畢後，卡片將以掛號郵件寄回上列地址。',
  ...(hotlines.length > 0 ? [`客服專線：${hotlines.map(({ where, number }) => `${where} ${number}`).join('、')}`] : []),
];

export const grouped = (caseNumber: string) => caseNumber.replace(/^(.{4})(.{5})(.{5})$/, '$1-$2-$3');

/** What the slip says that goes with a card to the centre. */
export function slipWords(
  { caseNumber, slipCode, cardNumber, errorMessage, contact }: SlipFacts,
  hotlines: readonly Hotline[],
): BothLanguages {
  const numbers = hotlines.map(({ where, number }) => `${where} ${number}`);
  return {
    'zh-TW': {
      title: SLIP_TITLE,
      lines: [
        `案件編號：${grouped(caseNumber)}`,
        `查詢碼：${slipCode}`,
        `卡號：${cardNumber}`,
        `錯誤訊息或故障情形：${errorMessage}`,
        `聯絡人：${contact.name}`,
        `聯絡電話：${contact.phone}`,
        `寄回地址：${contact.address}`,
        ...slipNotes(hotlines),
      ],
    },
    en: {
      title: 'Slip for a card that is sent in',
      lines: [
        `Case number: ${grouped(caseNumber)}`,
        `Slip code: ${slipCode}`,
        `Card number: ${cardNumber}`,
        `Error message, or what is wrong: ${errorMessage}`,
        `Contact person: ${contact.name}`,
        `Telephone: ${contact.phone}`,
        `Address to return it to: ${contact.address}`,
        'Send this slip with the card by registered mail. Do not bend, punch or glue the card, and enclose neither PIN nor ' +
          'user code.',
        'See how it goes on our website with the case number and the slip code. The card comes back by registered mail.',
        ...(numbers.length > 0 ? [`Hotline: ${numbers.join('; ')}`] : []),
      ],
    },
  };
}

export interface ReplyFacts {
  readonly caseNumber: string;
  readonly cardNumber: string;
  readonly outcome: Outcome;
  /** Of the new card's application. */
  readonly newCaseNumber: string | null;
  /** Whether the card was accepted before it was sent in: an unlocked one is not accepted again. */
  readonly accepted: boolean;
}

/** What the letter says that goes back with the card. */
export function replyWords(facts: ReplyFacts): BothLanguages {
  const { caseNumber, cardNumber } = facts;
  const zh = chinese(facts);
  const en = english(facts);
  return {
    'zh-TW': {
      title: '憑證 IC 卡檢測結果通知',
      lines: [`案件編號：${grouped(caseNumber)}`, `卡號：${cardNumber}`, ...zh],
    },
    en: {
      title: 'What became of the card you sent in',
      lines: [`Case number: ${grouped(caseNumber)}`, `Card number: ${cardNumber}`, ...en],
    },
  };
}

function chinese({ outcome, newCaseNumber, accepted }: ReplyFacts): string[] {
  switch (outcome) {
    case 'unlocked':
      return [
        '貴單位送回之憑證 IC 卡業經本中心完成解卡，隨函檢還。',
        accepted
          ? '卡片須重新設定 PIN 碼始得使用：請至本中心網站讀取卡片，輸入用戶代碼後設定新的 PIN 碼，無須再次辦理憑證接受。'
          : '請至本中心網站重新辦理開卡；完成開卡前請勿以卡片登入其他系統，以免再次鎖卡。',
      ];
    case 'found-sound':
      return [
        '貴單位送回之憑證 IC 卡經本中心檢測，卡片功能及憑證均屬正常，隨函檢還。',
        '如仍無法使用，請先執行本中心網站之環境檢測，或更換讀卡機、電腦後再試，並洽客服專線。',
      ];
    case 'defective':
      return [
        '貴單位送回之憑證 IC 卡經本中心檢測，確認卡片損壞無法修復。原卡憑證已廢止，本中心免費換發新卡。',
        `新卡案件編號：${newCaseNumber === null ? '' : grouped(newCaseNumber)}。收到新卡後，請至本中心網站重新核對憑證資料並辦理開卡：自行申請者，請輸入申請時自訂之用戶代碼；併案申請者，請輸入負責人之身分證字號及出生日期。`,
        '金鑰係於卡片內產生，本中心並無備份；先前以原卡加密之資料，新卡無法解密。',
      ];
  }
}

function english({ outcome, newCaseNumber, accepted }: ReplyFacts): string[] {
  switch (outcome) {
    case 'unlocked':
      return [
        'The card you sent in is unlocked and enclosed.',
        accepted
          ? 'It needs a new PIN: read the card on our website, type the user code and set a PIN. It need not be accepted again.'
          : 'Activate it on our website. Do not use it elsewhere before that, or it locks itself again.',
      ];
    case 'found-sound':
      return [
        'The card you sent in was tested; card and certificates are in order. It is enclosed.',
        'If it still does not work, run the self-check on our website, try another reader or computer, or call the hotline.',
      ];
    case 'defective':
      return [
        'The card you sent in is defective and cannot be repaired. Its certificates are revoked; a new card is made, free of charge.',
        `Case number of the new card: ${newCaseNumber === null ? '' : grouped(newCaseNumber)}. When it arrives, check its certificates and activate it on our website: with the user code chosen in the application, or, for a combined application, with the responsible person’s national ID and birth date.`,
        'Keys are made on the card and nobody has a copy: the new card does not open what was encrypted to the old one.',
      ];
  }
}
