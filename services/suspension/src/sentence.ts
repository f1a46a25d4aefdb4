import { rfc3339 } from '#libs/clock';
import type { Holder } from '#libs/events';
import { toRoc } from '#libs/taiwan';
import type { CardStatus, CommandName } from './card-status.js';

/** The same in both languages. */
export interface Sentence {
  'zh-TW': string;
  en: string;
}

const STATUS: Record<CardStatus, { zh: string; en: string }> = {
  revoked: { zh: '廢止', en: 'revoked' },
  expired: { zh: '已過期', en: 'expired' },
  suspended: { zh: '停用', en: 'suspended' },
  valid: { zh: '有效', en: 'valid' },
  pending: { zh: '待啟用', en: 'pending activation' },
};

const HOLDER: Record<Holder, { zh: string; en: string }> = {
  subscriber: { zh: '用戶', en: 'the subscriber' },
  deadline: { zh: '逾期未開卡', en: 'the activation deadline' },
  ca: { zh: '憑證管理中心', en: 'the certification authority' },
  court: { zh: '法院', en: 'a court' },
};

/** Who can take a hold out of the way, and how. */
const WAY_OUT: Record<Holder, { zh: string; en: string }> = {
  subscriber: { zh: '用戶停用須以用戶代碼辦理復用', en: 'The subscriber resumes with the user code.' },
  deadline: { zh: '逾期未開卡須洽憑證管理中心展延開卡期限', en: 'The centre can extend the activation deadline.' },
  ca: { zh: '憑證管理中心停用須洽憑證管理中心解除', en: 'The certification authority lifts its own hold.' },
  court: { zh: '法院停用須由法院通知解除', en: 'The hold of a court ends when the court says so.' },
};

const DONE: Record<Exclude<CommandName, 'accept'>, { zh: string; en: string }> = {
  suspend: { zh: '停用成功', en: 'Suspended' },
  resume: { zh: '復用成功', en: 'Resumed' },
  hold: { zh: '停用成功', en: 'On hold' },
  release: { zh: '解除停用成功', en: 'Released' },
  revoke: { zh: '廢止成功', en: 'Revoked' },
};

export interface Told {
  readonly command: keyof typeof DONE;
  /** Whose hold the command was about. */
  readonly holder: Holder | null;
  readonly status: CardStatus;
  /** Holds that stand after it. */
  readonly holds: readonly Holder[];
  readonly cut: Date;
}

/** What the page tells for a command, in the manual's words: status at once, list after the next midnight. */
export function sentenceOf({ command, holder, status, holds, cut }: Told): Sentence {
  const others = status === 'revoked' ? [] : holds.filter((other) => other !== holder);
  const inTheWay = others.length > 0 && obstacles(others);
  const local = rfc3339(cut);
  const [date, time] = [local.slice(0, 10), local.slice(11, 16)];
  return {
    'zh-TW':
      `${DONE[command].zh}，憑證目前狀態為「${STATUS[status].zh}」。` +
      (inTheWay ? `仍有其他停用：${inTheWay['zh-TW']}` : '') +
      `廢止清冊將於 ${toRoc(date).replace('民國', '')} ${time} 之後公佈。`,
    en:
      `${DONE[command].en}: the certificates are ${STATUS[status].en} now. ` +
      (inTheWay ? `Other holds still stand: ${inTheWay.en} ` : '') +
      `The revocation list that says so is published after ${date} ${time} (Taipei), or earlier in an emergency.`,
  };
}

/** What stands in the way of a card's being used, and who can take it out of the way. */
export function obstacles(holds: readonly Holder[]): Sentence {
  const names = {
    zh: holds.map((one) => HOLDER[one].zh).join('、'),
    en: holds.map((one) => HOLDER[one].en).join(', '),
  };
  return {
    'zh-TW': `${names.zh}。${holds.map((one) => WAY_OUT[one].zh).join('；')}。`,
    en: `${names.en}. ${holds.map((one) => WAY_OUT[one].en).join(' ')}`,
  };
}
