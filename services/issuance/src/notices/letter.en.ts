import { nextMidnight } from '#libs/clock';
import type { Holder, ReasonCode } from '#libs/events';
import { englishTime as time } from './letter-times.js';
import type { Letter } from './letter.js';
import type { NoticeContent, NoticeKind } from './notice.js';

const SUBJECTS: Record<NoticeKind, string> = {
  'application-returned': 'Your application needs a correction',
  'application-rejected': 'Your application was rejected',
  'certificate-issued': 'Your certificate card has been made',
  'card-activated': 'Your certificate card is activated',
  'certificate-suspended': 'Your certificates are suspended',
  'certificate-resumed': 'Your certificates: suspension lifted',
  'certificate-revoked': 'Your certificates are revoked',
  'user-code-changed': 'Your user code was changed',
  'acceptance-due': 'Please activate your certificate card',
  'expiry-due': 'Your certificates expire soon',
  'card-return-received': 'The card you sent in has arrived',
  'card-sent-back': 'The card you sent in is on its way back',
  'one-time-code': 'One-time code',
};

const SUSPENDED_BY: Record<Holder, string> = {
  subscriber: 'at your request',
  deadline: 'because the card was not activated in time',
  ca: 'by this authority',
  court: 'by order of a court',
};

const STILL_HELD_BY: Record<Holder, string> = {
  subscriber: 'your own suspension',
  deadline: 'the missed deadline for activation',
  ca: 'a suspension by this authority',
  court: 'a suspension by order of a court',
};

const REVOKED_FOR: Record<ReasonCode, string> = {
  keyCompromise: 'the key was compromised, or the card lost or stolen',
  affiliationChanged: 'registered data changed',
  superseded: 'replaced by a new card',
  cessationOfOperation: 'dissolved, closed, or the registration was cancelled',
  certificateHold: 'suspended',
  privilegeWithdrawn: 'not entitled to the certificates, or not activated in time',
};

const NOT_YOU = 'If this was not you, suspend the certificates at once and contact us.';

export function englishLetter(content: NoticeContent, code: string): Letter {
  return { subject: SUBJECTS[content.kind], paragraphs: paragraphs(content, code) };
}

function paragraphs(content: NoticeContent, code: string): string[] {
  switch (content.kind) {
    case 'application-returned':
      return [
        `Your application for a certificate card was sent back for correction on ${time(content.at)}.`,
        'See why on our website, under the progress of an application, with the case number and the user code you chose; correct it there, then print the form again, stamp it and send it in.',
      ];
    case 'application-rejected':
      return [
        `Your application for a certificate card was rejected on ${time(content.at)}.`,
        'See why on our website, under the progress of an application, with the case number and the user code you chose. You may apply again.',
      ];
    case 'certificate-issued':
      return [
        'Your certificate card has been made and will be sent by registered mail.',
        content.way === 'A'
          ? 'When it arrives, check its data on our website and activate it with the user code you chose in the application. It cannot be used before.'
          : 'When it arrives, check its data on our website and activate it with the national ID and birth date of the responsible person. It cannot be used before.',
        `The certificates are valid until ${time(content.notAfter)}.`,
      ];
    case 'card-activated':
      return [`Your certificate card was activated on ${time(content.at)} and is ready for use.`, NOT_YOU];
    case 'certificate-suspended':
      return [
        `Your certificates were suspended ${SUSPENDED_BY[content.holder]} on ${time(content.at)}.`,
        `Our search shows it at once; the revocation list of ${time(nextMidnight(new Date(content.at)).toISOString())}, or an earlier one, carries it.`,
        ...(content.holder === 'subscriber' ? ['If this was not you, contact us at once.'] : []),
      ];
    case 'certificate-resumed':
      if (content.holds.length > 0) {
        const holds = content.holds.map((holder) => STILL_HELD_BY[holder]).join(', ');
        return [
          `One suspension of your certificates was lifted on ${time(content.at)}; they remain suspended because of ${holds}.`,
        ];
      }
      return [
        `The suspension of your certificates was lifted on ${time(content.at)}.`,
        ...(content.accepted ? [] : ['The card is not activated yet; please activate it on our website.']),
        NOT_YOU,
      ];
    case 'certificate-revoked':
      return [
        `Your certificates were revoked on ${time(content.at)}. Reason: ${REVOKED_FOR[content.reason]}.`,
        'A revocation is final; apply for a new card if you need one.',
        'Keep the old card: what was encrypted to it can be read with it alone.',
      ];
    case 'user-code-changed':
      return [`The user code of your certificate card was changed on ${time(content.at)}.`, NOT_YOU];
    case 'acceptance-due':
      return [
        `Your certificate card is not activated yet. Please activate it on our website by ${time(content.dueAt)} (days left: ${content.daysLeft}); after that the certificates are suspended or revoked as the rules say.`,
        'If the card has not arrived, contact us.',
      ];
    case 'expiry-due':
      return [
        `Your certificates expire on ${time(content.notAfter)} (days left: ${content.daysLeft}). Please apply for a new card in time.`,
        'The present card works until then. Keep it afterwards: what was encrypted to it can be read with it alone.',
      ];
    case 'card-return-received':
      return [
        `The certificate card you sent in arrived on ${time(content.at)}. See how it goes on our website with the case number and the code of your slip.`,
        NOT_YOU,
      ];
    case 'card-sent-back':
      return [
        content.outcome === 'unlocked'
          ? 'The certificate card you sent in is unlocked. When it arrives, set a new PIN or activate it as the enclosed letter says.'
          : 'The certificate card you sent in was tested; card and certificates are in order.',
        `It was sent by registered mail on ${time(content.at)}, number ${content.registeredMail}.`,
      ];
    case 'one-time-code':
      return [
        `You asked to set a new ${content.purpose === 'pin-reset' ? 'PIN' : 'user code'}. One-time code: ${code}`,
        `Enter it by ${time(content.expiresAt)}. Tell it to nobody; our staff never ask for it.`,
        `If this was not you, ignore this message: your ${content.purpose === 'pin-reset' ? 'PIN' : 'user code'} has not changed.`,
      ];
  }
}
