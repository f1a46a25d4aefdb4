import { rfc3339 } from '#libs/clock';
import { toRoc } from '#libs/taiwan';
import type { Applicant } from '../certificates/subject.js';
import { BY_HAND, FICTITIOUS } from '../paper/common-words.js';
import { Paper, type PaperRow } from '../paper/paper.js';
import type { ApplicationContent } from './application-content.js';

const KINDS: Record<Applicant['kind'], string> = {
  company: '公司',
  branch: '分公司',
  partnership: '有限合夥',
  business: '商業（商號）',
};
const RANKS: Record<Applicant['rank'], string> = { primary: '正卡', secondary: '附卡' };

const TITLE = '工商憑證 IC 卡申請書';
const DECLARATION = '以上資料均屬實，並同意憑證實務作業基準之規定。　　申請日期：中華民國＿＿＿年＿＿＿月＿＿＿日';
const NOTES = [
  '本申請書列印後，請加蓋公司（商號）及負責人印章，並以手寫填入負責人身分證字號及申請日期，送交申請機關審核。',
  '用戶代碼由申請人自行保管，不列印於本申請書，亦請勿書寫於本申請書或告知他人。',
  '審核進度及補正事項，請至本中心網站以案件編號及用戶代碼查詢；經退回補正者，請於線上補正後重新列印、用印及送件。',
];

/**
 * The application as it is printed, stamped and sent to the office. National ID and user code are on none: the one is
 * written by hand, the other nowhere.
 *
 * @returns a PDF; of the same content the same octets
 */
export function drawApplicationForm(content: ApplicationContent): Promise<Buffer> {
  const { caseNumber, applicant, representative, contact, receivedAt, corrections, correctedAt } = content;
  const paper = new Paper({ title: TITLE, at: correctedAt ?? receivedAt, foot: `案件編號 ${caseNumber}` });
  paper.heading(caseNumber);
  paper.paragraph(FICTITIOUS);
  paper.section('一、申請人', [
    ['線上申請日期', day(receivedAt) + (correctedAt ? `（第 ${corrections} 次補正：${day(correctedAt)}）` : '')],
    ...rowsOf(applicant),
  ]);
  paper.section('二、負責人', [
    ['姓名', representative.name],
    ['身分證字號（手寫）', undefined],
  ]);
  paper.section('三、聯絡資料', [
    ['聯絡人姓名', contact.name],
    ['電話', contact.phone],
    ['電子郵件', contact.email],
    ['郵寄地址', contact.address],
  ]);
  paper.paragraph(DECLARATION, 10.5);
  paper.boxes(['公司（商號）印章', '負責人印章'], 88);
  paper.section('四、申請機關填寫', [
    ['收件日期', undefined],
    ['審核結果', '□核准　□退回補正　□不予核准'],
    ['審核人員簽章', undefined],
  ]);
  paper.notes([...NOTES, ...(paper.complete ? [] : [BY_HAND])]);
  return paper.end();
}

function rowsOf({ kind, name, branch, county, ubn, certificateEmail, rank }: Applicant): PaperRow[] {
  return [
    ['申請人類別', KINDS[kind]],
    ['名稱（全銜）', name],
    ...(branch === null ? [] : [['分公司名稱', branch] as const]),
    ...(county === null ? [] : [['縣市', county] as const]),
    ['統一編號', ubn],
    ['憑證內電子郵件信箱', certificateEmail ?? '（無）'],
    ['卡別', RANKS[rank]],
  ];
}

const day = (at: Date) => toRoc(rfc3339(at).slice(0, 10));
