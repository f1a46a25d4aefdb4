import { rfc3339 } from '#libs/clock';
import type { Hotline } from '#libs/config';
import { toRoc } from '#libs/taiwan';
import { BY_HAND, FICTITIOUS } from '../paper/common-words.js';
import { Paper } from '../paper/paper.js';
import { grouped, SLIP_TITLE, type SlipFacts, slipNotes } from './return-words.js';

/** The slip that goes with a card to the centre. @returns a PDF; of the same facts the same octets */
export function drawSlip(
  { caseNumber, slipCode, cardNumber, errorMessage, contact, announcedAt }: SlipFacts & { announcedAt: Date },
  hotlines: readonly Hotline[],
): Promise<Buffer> {
  const paper = new Paper({ title: SLIP_TITLE, at: announcedAt, foot: `案件編號 ${caseNumber}` });
  paper.heading(caseNumber);
  paper.paragraph(FICTITIOUS);
  paper.section('一、送回之卡片', [
    ['案件編號', grouped(caseNumber)],
    ['查詢碼', slipCode],
    ['線上登錄日期', toRoc(rfc3339(announcedAt).slice(0, 10))],
    ['卡號', cardNumber],
    ['錯誤訊息或故障情形', errorMessage],
  ]);
  paper.section('二、聯絡資料', [
    ['聯絡人', contact.name],
    ['聯絡電話', contact.phone],
    ['寄回地址', contact.address],
  ]);
  paper.section('三、本中心填寫', [
    ['收件日期', undefined],
    ['收件人員簽章', undefined],
  ]);
  paper.notes([...slipNotes(hotlines), ...(paper.complete ? [] : [BY_HAND])]);
  return paper.end();
}
