import { describe, expect, it } from '@jest/globals';
import { readPdf } from '../paper/read-pdf.fixture.js';
import type { ApplicationContent } from './application-content.js';
import { drawApplicationForm } from './application-form.js';

const content = (changes: Partial<ApplicationContent> = {}): ApplicationContent => ({
  caseNumber: 'K1151234567890',
  applicant: {
    ...{ kind: 'company', name: '開卡示範股份有限公司', branch: null, county: null, ubn: '12345675', rank: 'primary' },
    certificateEmail: 'cert@example.com',
  },
  representative: { name: '林測試', nationalIdGiven: true },
  contact: { name: '陳測試', email: 'contact@example.com', phone: '02-2345-6789#1', address: '臺北市測試路一號' },
  receivedAt: new Date('2026-11-21T16:30:00Z'),
  corrections: 0,
  correctedAt: null,
  ...changes,
});

describe('the printed application', () => {
  it('is one sheet of text, with places for both seals and the case number as a bar code', async () => {
    const { text, pages, barCodes, fonts, info, tags } = readPdf(await drawApplicationForm(content()));
    expect({ pages, barCodes }).toEqual({ pages: 1, barCodes: ['CODE-128:K1151234567890'] });
    for (const words of [
      ...['工商憑證IC卡申請書', '係屬虛構，並非經濟部工商憑證管理中心', '公司（商號）印章', '負責人印章'],
      ...['線上申請日期民國115年11月22日', '名稱（全銜）開卡示範股份有限公司', '統一編號12345675', '卡別正卡'],
      ...['憑證內電子郵件信箱cert@example.com', '姓名林測試', '身分證字號（手寫）三、聯絡資料', '聯絡人姓名陳測試'],
      ...['電話02-2345-6789#1', '電子郵件contact@example.com', '郵寄地址臺北市測試路一號', '第1頁，共1頁'],
    ]) {
      expect(text).toContain(words);
    }
    expect(text).not.toMatch(/次補正|分公司名稱|縣市|罕用字|undefined|null/);
    // Embedded, a subset, with its characters: it can be printed and searched anywhere.
    expect(fonts).toEqual([expect.stringMatching(/NotoSansTC.* yes yes yes /)]);
    expect(info).toMatchObject({
      Title: '工商憑證 IC 卡申請書',
      Tagged: 'yes',
      'Page size': '595.28 x 841.89 pts (A4)',
    });
    expect(tags.slice(0, 8)).toEqual(['Document', 'H1', 'Figure', 'P', 'P', 'H2', 'Table', 'TR']);
  });

  it('of the same content is the same octets, and small', async () => {
    const form = await drawApplicationForm(content());
    expect((await drawApplicationForm(content())).equals(form)).toBe(true);
    expect(form.length).toBeLessThan(100_000);
  });

  it.each([
    [
      'branch',
      { kind: 'branch', branch: '臺中分公司' },
      '申請人類別分公司名稱（全銜）開卡示範股份有限公司分公司名稱臺中分公司',
    ],
    [
      'business',
      { kind: 'business', county: '屏東縣' },
      '申請人類別商業（商號）名稱（全銜）開卡示範股份有限公司縣市屏東縣',
    ],
    ['partnership', { kind: 'partnership', certificateEmail: null, rank: 'secondary' }, '憑證內電子郵件信箱（無）卡別附卡'], // prettier-ignore
  ] as const)('of a %s has what belongs to it, also corrected, on one sheet', async (_kind, changes, words) => {
    const { applicant } = content();
    const corrected = { corrections: 2, correctedAt: new Date('2026-11-25T01:00:00Z') };
    const { text, pages } = readPdf(
      await drawApplicationForm(content({ ...corrected, applicant: { ...applicant, ...changes } })),
    );
    expect(text).toContain(words);
    expect(text).toContain('線上申請日期民國115年11月22日（第2次補正：民國115年11月25日）');
    expect(pages).toBe(1);
  });

  it('cuts nothing of the longest there is, and names what the font lacks', async () => {
    const longest = {
      name: `${'開'.repeat(62)}𠮷限`,
      branch: '臺'.repeat(64),
      email: `${'x'.repeat(238)}@example.com`,
      address: '臺北市中正區測試路'.repeat(22),
    };
    const { applicant, contact } = content();
    const { text, pages, barCodes } = readPdf(
      await drawApplicationForm(
        content({
          applicant: { ...applicant, kind: 'branch', name: longest.name, branch: longest.branch, certificateEmail: longest.email }, // prettier-ignore
          contact: { ...contact, name: '陳'.repeat(64), email: longest.email, address: longest.address },
        }),
      ),
    );
    for (const words of [longest.branch, longest.email, longest.address, '陳'.repeat(64)])
      expect(text).toContain(words);
    expect(text).toContain(`${'開'.repeat(62)}〔U+20BB7〕限`);
    expect(text).toContain('罕用字，請於該處以正楷手寫原字');
    expect({ pages, barCodes }).toEqual({ pages: 2, barCodes: ['CODE-128:K1151234567890'] });
    expect(text).toContain('案件編號K1151234567890第2頁，共2頁');
  });
});
