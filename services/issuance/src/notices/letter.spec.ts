import { describe, expect, it } from '@jest/globals';
import { HOLDERS, REASON_CODES, type ReasonCode } from '#libs/events';
import { maskCardNumber, writeLetter } from './letter.js';
import type { NoticeContent } from './notice.js';

const at = '2026-11-21T15:30:00.123Z';
const CONTENTS: NoticeContent[] = [
  { kind: 'certificate-issued', notAfter: '2031-11-21T15:59:59Z', way: 'A' },
  { kind: 'certificate-issued', notAfter: '2031-11-21T15:59:59Z', way: 'B' },
  { kind: 'card-activated', at },
  ...HOLDERS.map((holder) => ({ kind: 'certificate-suspended', at, holder }) as const),
  { kind: 'certificate-resumed', at, holds: [], accepted: true },
  { kind: 'certificate-resumed', at, holds: [], accepted: false },
  { kind: 'certificate-resumed', at, holds: ['ca', 'court'], accepted: true },
  ...Object.keys(REASON_CODES).map((reason) => ({ kind: 'certificate-revoked', at, reason: reason as ReasonCode }) as const), // prettier-ignore
  { kind: 'user-code-changed', at },
  { kind: 'acceptance-due', dueAt: at, daysLeft: 14 },
  { kind: 'expiry-due', notAfter: '2026-12-31T15:59:59Z', daysLeft: 60 },
  { kind: 'card-return-received', at },
  { kind: 'card-sent-back', at, outcome: 'unlocked', registeredMail: '12345678901234' },
  { kind: 'card-sent-back', at, outcome: 'found-sound', registeredMail: '12345678901234' },
  { kind: 'one-time-code', expiresAt: at, purpose: 'user-code-reset' },
  { kind: 'one-time-code', expiresAt: at, purpose: 'pin-reset' },
];
const addressee = { name: '開卡示範股份有限公司', cardNumber: 'TT00000000000051', caseNumber: null };
const applicant = { name: '開卡示範股份有限公司', cardNumber: null, caseNumber: 'K1150000000005' };
const write = (content: NoticeContent, options = {}) => writeLetter(content, addressee, { code: '402917', ...options });

describe('a letter', () => {
  it.each(CONTENTS.map((content) => [content.kind, content] as const))(
    '%s is whole in both languages and shows no more of the card than four digits',
    (kind, content) => {
      const { subject, text } = write(content);
      expect(subject).toMatch(/^[^\r\n]*[一-鿿].*[A-Za-z]{3}.* \(0051\)$/);
      expect(text).toContain('開卡示範股份有限公司 您好：');
      expect(text).toContain('Dear 開卡示範股份有限公司,');
      expect(text.split('************0051')).toHaveLength(3);
      expect(subject + text).not.toMatch(/TT0|undefined|null|NaN|https?:|www\.|\[object/);
      expect(text.includes('402917')).toBe(kind === 'one-time-code');
      expect(text).not.toMatch(/客服專線|Hotline/);
    },
  );

  it.each(['application-returned', 'application-rejected'] as const)(
    '%s names the case, which opens nothing by itself, and leaves the reason to whoever has the user code',
    (kind) => {
      const { subject, text } = writeLetter({ kind, at }, applicant, {});
      expect(subject).toMatch(/^[^\r\n]*[一-鿿].*[A-Za-z]{3}.* \(0005\)$/);
      expect(text).toContain('案件編號：K1150000000005');
      expect(text).toContain('Case number: K1150000000005');
      expect(text).toContain('民國115年11月21日 23:30');
      expect(text).not.toMatch(/卡號|undefined|null|https?:|www\./);
    },
  );

  it('gives times in Taipei, in the calendar of each language', () => {
    const { text } = write({ kind: 'card-activated', at });
    expect(text).toContain('已於民國115年11月21日 23:30 完成開卡');
    expect(text).toContain('on 2026-11-21 23:30 (UTC+8)');
  });

  it('says which list carries a suspension', () => {
    const { text } = write({ kind: 'certificate-suspended', at, holder: 'subscriber' });
    expect(text).toContain('憑證廢止清冊最遲於民國115年11月22日 00:00 公布');
  });

  it('of a resumption says what still stands in the way', () => {
    const { text } = write({ kind: 'certificate-resumed', at, holds: ['ca', 'court'], accepted: true });
    expect(text).toContain('惟尚有本中心所為之停用、法院命令之停用，憑證目前仍為停用狀態');
    expect(text).not.toContain('恢復使用。');
  });

  it('names the hotlines that are set', () => {
    const hotlines = [
      { where: '臺北', number: '02-1234-5678' },
      { where: '高雄', number: '07-1' },
    ];
    const { text } = write({ kind: 'user-code-changed', at }, { hotlines });
    expect(text).toContain('客服專線：臺北 02-1234-5678、高雄 07-1');
    expect(text).toContain('Hotline: 臺北 02-1234-5678; 高雄 07-1');
  });
});

it('masks card numbers, also odd ones', () => {
  expect(maskCardNumber('TTAJ000000000321')).toBe('************0321');
  expect(maskCardNumber('12')).toBe('12');
});
