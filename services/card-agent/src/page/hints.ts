import { type CaError, type ErrorCode } from '#libs/errors';
import type { AgentState } from '../agent-state.js';
import type { Text } from './language.js';

/** What to do about each thing that can be wrong with reader and card; shown on the agent's pages and told to portals. */
export const HINTS = {
  pcscMissing: [
    '智慧卡服務（PC/SC）未啟動。請確認讀卡機驅動程式已正確安裝並啟動智慧卡服務後，再試一次。',
    'The smart card service (PC/SC) does not run. Check that the reader’s driver is installed, start the service and try again.',
  ],
  noReader: [
    '未偵測到智慧卡讀卡機。請接上讀卡機，並確認燈號正常。',
    'No card reader was found. Plug the reader in and check its light.',
  ],
  noCard: [
    '智慧卡讀卡機中未偵測到智慧卡或晶片卡。請將卡片晶片面朝上插到底。',
    'There is no card in the reader. Insert it, chip side up, as far as it goes.',
  ],
  severalCards: [
    '偵測到多張卡片。請只留下一張要使用的卡片。',
    'Several readers hold a card. Leave in only the card you want to use.',
  ],
  unknownCardKind: [
    '不明連接卡。請確認卡片方向及插入時燈號是否閃爍，並以其他憑證卡測試讀卡機；若僅此卡無法讀取，請將卡片寄回管理中心檢測。',
    'Unknown card. Check which way round it is and whether the light blinks, and try another certificate card; if this card alone cannot be read, send it in.',
  ],
  cardCommunication: [
    '初始化卡片失敗!! 請取出卡片，重新插入後再試；若仍失敗，請換一台讀卡機。',
    'The card did not answer as expected. Take it out, insert it again and try once more; if it still fails, try another reader.',
  ],
  readerBusy: [
    '卡片使用中。請關閉其他使用卡片的程式，稍候再試。',
    'The card is in use. Close other programs that use it and try again shortly.',
  ],
  cardRemoved: ['卡片已被取出。請重新插入卡片後再試。', 'The card was taken out. Insert it again and try once more.'],
  otherCard: ['這不是原來的卡片，請插入原來的卡片。', 'This is not the card you began with. Insert that one.'],
  cardBlocked: [
    '卡片已鎖卡。尚未開卡者（27011），請將卡片寄回管理中心解卡；已開卡者，請以用戶代碼辦理鎖卡解碼。',
    'The card is locked. If it was never activated (27011), send it in; otherwise unlock it online with your user code.',
  ],
} satisfies Partial<Record<ErrorCode | 'pcscMissing', Text>>;

/** As it travels. */
export interface Hint {
  zh: string;
  en: string;
}

const OF_STATES: Partial<Record<AgentState, Text>> = {
  'agent-outdated': [
    '讀卡元件版本過舊，請安裝最新版本。',
    'The card agent is too old for this page. Install the newest version.',
  ],
  'pairing-needed': [
    '請先完成配對，網站才能使用此電腦的讀卡機。',
    'Pair this page with the card agent first, so that it may use this computer’s reader.',
  ],
  'pcsc-missing': HINTS.pcscMissing,
  'no-reader': HINTS.noReader,
  'no-card': HINTS.noCard,
  'several-cards': HINTS.severalCards,
  'unknown-card': HINTS.unknownCardKind,
  'card-error': HINTS.cardCommunication,
  busy: HINTS.readerBusy,
  removed: HINTS.cardRemoved,
  locked: HINTS.cardBlocked,
};

/** Undefined when there is nothing to do. */
export function stateHint(state: AgentState): Hint | undefined {
  const text = OF_STATES[state];
  return text && asHint(text);
}

export function hintOf(error: CaError): Hint | undefined {
  const text = (HINTS as Partial<Record<string, Text>>)[hintKey(error)];
  return text && asHint(text);
}

/** "No reader" has two causes, of which one is that nobody could be asked. */
export const hintKey = ({ code, params }: CaError): string => (params.state === 'pcsc-missing' ? 'pcscMissing' : code);

export const asHint = ([zh, en]: Text): Hint => ({ zh, en });
