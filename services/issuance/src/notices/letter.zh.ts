import { nextMidnight } from '#libs/clock';
import type { Holder, ReasonCode } from '#libs/events';
import { chineseTime as time } from './letter-times.js';
import type { Letter } from './letter.js';
import type { NoticeContent, NoticeKind } from './notice.js';

const SUBJECTS: Record<NoticeKind, string> = {
  'application-returned': '憑證 IC 卡申請退回補正通知',
  'application-rejected': '憑證 IC 卡申請審核結果通知',
  'certificate-issued': '憑證 IC 卡製發通知',
  'card-activated': '憑證 IC 卡開卡完成通知',
  'certificate-suspended': '憑證停用通知',
  'certificate-resumed': '憑證恢復使用通知',
  'certificate-revoked': '憑證廢止通知',
  'user-code-changed': '用戶代碼變更通知',
  'acceptance-due': '憑證 IC 卡開卡期限提醒',
  'expiry-due': '憑證即將到期通知',
  'card-return-received': '憑證 IC 卡收件通知',
  'card-sent-back': '憑證 IC 卡寄回通知',
  'one-time-code': '一次性驗證碼',
};

const SUSPENDED_BY: Record<Holder, string> = {
  subscriber: '依貴單位之申請',
  deadline: '因逾期未完成開卡',
  ca: '經本中心審認',
  court: '依法院之命令',
};

const STILL_HELD_BY: Record<Holder, string> = {
  subscriber: '貴單位申請之停用',
  deadline: '逾期未完成開卡之停用',
  ca: '本中心所為之停用',
  court: '法院命令之停用',
};

const REVOKED_FOR: Record<ReasonCode, string> = {
  keyCompromise: '金鑰遭破解，或卡片遺失、遭竊',
  affiliationChanged: '登記事項變更',
  superseded: '已換發新卡',
  cessationOfOperation: '解散、歇業或登記經撤銷、廢止',
  certificateHold: '停用',
  privilegeWithdrawn: '不符憑證核發資格，或逾期未完成開卡',
};

const NOT_YOU = '如非貴單位所為，請立即辦理憑證停用，並與本中心聯絡。';

export function chineseLetter(content: NoticeContent, code: string): Letter {
  return { subject: SUBJECTS[content.kind], paragraphs: paragraphs(content, code) };
}

function paragraphs(content: NoticeContent, code: string): string[] {
  switch (content.kind) {
    case 'application-returned':
      return [
        `貴單位之憑證 IC 卡申請案，經申請機關審核，已於${time(content.at)} 退回補正。`,
        '請至本中心網站「憑證申請」之申請進度查詢，以案件編號及申請時自訂之用戶代碼查詢退回原因；於線上補正後，請重新列印申請書、用印及送件。',
      ];
    case 'application-rejected':
      return [
        `貴單位之憑證 IC 卡申請案，經申請機關審核，已於${time(content.at)} 決定不予核准。`,
        '原因請至本中心網站「憑證申請」之申請進度查詢，以案件編號及申請時自訂之用戶代碼查詢。如仍有需要，請重新申請。',
      ];
    case 'certificate-issued':
      return [
        '貴單位之憑證 IC 卡業已製發完成，將以掛號郵件寄送。',
        content.way === 'A'
          ? '收到卡片後，請備妥申請時自訂之用戶代碼，至本中心網站核對憑證資料無誤後辦理開卡；未完成開卡前，卡片無法使用。'
          : '收到卡片後，請備妥負責人之身分證字號及出生日期，至本中心網站核對憑證資料無誤後辦理開卡；未完成開卡前，卡片無法使用。',
        `憑證有效期限：至${time(content.notAfter)} 止`,
      ];
    case 'card-activated':
      return [`貴單位之憑證 IC 卡已於${time(content.at)} 完成開卡，即可使用。`, NOT_YOU];
    case 'certificate-suspended':
      return [
        `貴單位之憑證${SUSPENDED_BY[content.holder]}，已於${time(content.at)} 停用。`,
        `停用即時生效，可於本中心網站查詢；憑證廢止清冊最遲於${time(nextMidnight(new Date(content.at)).toISOString())} 公布。`,
        ...(content.holder === 'subscriber' ? [NOT_YOU.replace('立即辦理憑證停用，並與', '立即與')] : []),
      ];
    case 'certificate-resumed':
      if (content.holds.length > 0) {
        const holds = content.holds.map((holder) => STILL_HELD_BY[holder]).join('、');
        return [`貴單位憑證之停用原因已於${time(content.at)} 解除一項；惟尚有${holds}，憑證目前仍為停用狀態。`];
      }
      if (!content.accepted) {
        return [`貴單位憑證之停用已於${time(content.at)} 解除；卡片尚未開卡，請至本中心網站辦理開卡後使用。`, NOT_YOU];
      }
      return [`貴單位之憑證已於${time(content.at)} 恢復使用。`, NOT_YOU];
    case 'certificate-revoked':
      return [
        `貴單位之憑證已於${time(content.at)} 廢止。廢止原因：${REVOKED_FOR[content.reason]}。`,
        '憑證一經廢止，無法恢復；如仍有使用需要，請重新申請。',
        '先前以該憑證加密之資料僅能以原卡解密，請妥善保存原卡。',
      ];
    case 'user-code-changed':
      return [`貴單位憑證 IC 卡之用戶代碼已於${time(content.at)} 變更。`, NOT_YOU];
    case 'acceptance-due':
      return [
        `貴單位之憑證 IC 卡尚未完成開卡，請於${time(content.dueAt)} 前（尚餘 ${content.daysLeft} 日）至本中心網站辦理；逾期將依規定停用或廢止憑證。`,
        '如尚未收到卡片，請與本中心聯絡。',
      ];
    case 'expiry-due':
      return [
        `貴單位之憑證將於${time(content.notAfter)} 到期（尚餘 ${content.daysLeft} 日），請儘早申請新卡，以免影響作業。`,
        '到期前原卡仍可使用。先前以該憑證加密之資料僅能以原卡解密，請妥善保存原卡。',
      ];
    case 'card-return-received':
      return [
        `本中心已於${time(content.at)} 收到貴單位送回檢測之憑證 IC 卡，處理進度可憑送回檢測單所載案件編號及查詢碼至本中心網站查詢。`,
        NOT_YOU,
      ];
    case 'card-sent-back':
      return [
        content.outcome === 'unlocked'
          ? '貴單位送回之憑證 IC 卡業經本中心完成解卡，收到後請依隨函說明重新設定 PIN 碼或辦理開卡。'
          : '貴單位送回之憑證 IC 卡經本中心檢測，卡片功能及憑證均屬正常。',
        `卡片已於${time(content.at)} 以掛號郵件寄回，掛號號碼：${content.registeredMail}。`,
      ];
    case 'one-time-code':
      return [
        `貴單位申請重設${content.purpose === 'pin-reset' ? ' PIN 碼' : '用戶代碼'}，一次性驗證碼為：${code}`,
        `請於${time(content.expiresAt)} 前輸入，逾時失效。請勿將驗證碼告知他人，本中心人員亦不會詢問。`,
        `如非貴單位所申請，請勿理會本信；${content.purpose === 'pin-reset' ? 'PIN 碼' : '用戶代碼'}並未變更。`,
      ];
  }
}
