import { rfc3339 } from '#libs/clock';
import type { Holder } from '#libs/events';
import { toRoc } from '#libs/taiwan';
import type { CardStatus } from './card-status.js';

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

/** What the page tells the subscriber, in the manual's words: status at once, list after the next midnight. */
export function sentenceOf(
  command: 'suspend' | 'resume',
  status: CardStatus,
  standing: readonly Holder[],
  cut: Date,
): { 'zh-TW': string; en: string } {
  const done = command === 'suspend' ? { zh: '停用成功', en: 'Suspended' } : { zh: '復用成功', en: 'Resumed' };
  const others = standing.filter((holder) => holder !== 'subscriber');
  const zhHolds = others.length > 0 ? `仍有其他停用：${others.map((holder) => HOLDER[holder].zh).join('、')}。` : '';
  const enHolds =
    others.length > 0 ? ` Other holds still stand: ${others.map((holder) => HOLDER[holder].en).join(', ')}.` : '';
  const local = rfc3339(cut);
  const [date, time] = [local.slice(0, 10), local.slice(11, 16)];
  return {
    'zh-TW':
      `${done.zh}，憑證目前狀態為「${STATUS[status].zh}」。${zhHolds}` +
      `廢止清冊將於 ${toRoc(date).replace('民國', '')} ${time} 之後公佈。`,
    en:
      `${done.en}: the certificates are ${STATUS[status].en} now.${enHolds} ` +
      `The revocation list that says so is published after ${date} ${time} (Taipei), or earlier in an emergency.`,
  };
}
