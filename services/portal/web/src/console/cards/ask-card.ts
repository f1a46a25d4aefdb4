import { answerOf } from '../../api/client.js';
import { asProblem, type Problem } from '../../api/problem.js';
import { api } from '../api.js';
import { askUnlockRequests, type UnlockRequest } from './unlock-requests.js';

/** What each owner knows of a card. One that does not answer leaves the others readable. */
export interface CardFile {
  certificate?: Awaited<ReturnType<typeof askCertificate>>;
  production?: Awaited<ReturnType<typeof askProduction>>;
  status?: Awaited<ReturnType<typeof askStatus>>;
  evidence?: Awaited<ReturnType<typeof askEvidence>>;
  unlocks?: UnlockRequest[];
  problems: Problem[];
}

const askCertificate = async (cardNumber: string, signal: AbortSignal) => {
  const query = { cardNumber };
  return (await answerOf(api.GET('/api/v1/certificates', { params: { query: query as never }, signal }))).items[0];
};
const askProduction = (n: string, signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/cards/{n}', { params: { path: { n } }, signal }));
const askStatus = (n: string, signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/cards/{n}/status-history', { params: { path: { n } }, signal }));
const askEvidence = (n: string, signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/cards/{n}/evidence', { params: { path: { n } }, signal }));

export async function askCard(cardNumber: string, signal: AbortSignal): Promise<CardFile> {
  const [certificate, production, status, evidence, unlocks] = await Promise.allSettled([
    askCertificate(cardNumber, signal),
    askProduction(cardNumber, signal),
    askStatus(cardNumber, signal),
    askEvidence(cardNumber, signal),
    askUnlockRequests(cardNumber, signal),
  ]);
  const problems = [certificate, production, status, evidence, unlocks]
    .flatMap((answer) => (answer.status === 'rejected' ? [asProblem(answer.reason)] : []))
    .filter(({ code }) => code !== 'unknownCard');
  if (production.status === 'rejected' && status.status === 'rejected') throw asProblem(production.reason);
  return {
    problems,
    ...(certificate.status === 'fulfilled' && certificate.value && { certificate: certificate.value }),
    ...(production.status === 'fulfilled' && { production: production.value }),
    ...(status.status === 'fulfilled' && { status: status.value }),
    ...(evidence.status === 'fulfilled' && { evidence: evidence.value }),
    ...(unlocks.status === 'fulfilled' && { unlocks: unlocks.value }),
  };
}

/** By the status log's owner, which knows it at once; search is told a moment later. */
export function statusOf({
  certificate,
  status,
}: CardFile): NonNullable<CardFile['certificate']>['status'] | undefined {
  if (!certificate || !status || certificate.status === 'expired') return certificate?.status;
  const { changes } = status;
  if (changes.some(({ kind }) => kind === 'revoked')) return 'revoked';
  if (changes.at(-1)?.holds.length) return 'suspended';
  return changes.some(({ kind }) => kind === 'accepted') ? 'valid' : 'pending';
}
