import { site } from '../api/site.js';
import { Problem, problemOf } from '../api/problem.js';

/** Newest things the pages ask of the agent came with this version of it. */
const MINIMUM_VERSION = '0.1.0';
const TIMEOUT_MS = 30_000;
const PROBE_MS = 3_000;

export interface Hint {
  zh: string;
  en: string;
}

export type AgentState =
  | 'agent-missing'
  | 'agent-outdated'
  | 'permission-denied'
  | 'origin-refused'
  | 'pairing-needed'
  | 'pcsc-missing'
  | 'no-reader'
  | 'no-card'
  | 'several-cards'
  | 'unknown-card'
  | 'card-error'
  | 'busy'
  | 'removed'
  | 'locked'
  | 'ready';

export interface AgentStatus {
  state: AgentState;
  version?: string;
  readers?: { name: string; state: string }[];
}

interface CertificateFacts {
  serial: string;
  notBefore: string;
  notAfter: string;
}

/** What the card says of itself (讀取卡片資料). */
export interface CardFacts {
  reader: string;
  cardNumber: string;
  cardUuid: string;
  name: string;
  branch?: string;
  ubn?: string;
  email?: string;
  signature: CertificateFacts;
  encryption: CertificateFacts;
  pinTries: number | null;
}

export interface PageSession {
  id: string;
  url: string;
}

export interface PageState {
  kind: string;
  state: 'waiting' | 'working' | 'removed' | 'done' | 'refused' | 'last-try' | 'locked' | 'send-in' | 'expired';
  signature?: string;
  pinTries?: number;
  legacyCode?: string;
}

export interface CheckItem {
  number: number;
  result: 'pass' | 'fail' | 'skipped' | 'on-the-agents-page';
  title: Hint;
  hint?: Hint;
}

export type Purpose = 'accept' | 'resume-session' | 'pin-reset' | 'unlock' | 'user-code-reset';
export type Proof = Record<string, string>;

/** Got by pairing; in this page's memory alone. */
let token: string | undefined;

/** @throws Problem: what the agent refuses by its name; originNotAllowed, agentMissing, permissionDenied when it has no answer for us */
async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const { agentUrl } = await site();
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(agentUrl + path, {
      method,
      mode: 'cors',
      credentials: 'omit',
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: {
        'x-kaika-agent': '1',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    if (signal?.aborted) throw new Problem('cancelled');
    if (limit.aborted) throw new Problem('tooSlow');
    throw new Problem(
      (await isDenied()) ? 'permissionDenied' : (await isRefused()) ? 'originNotAllowed' : 'agentMissing',
    );
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemOf(response.status, answer);
  return answer as T;
}

/** The browser asked whether this page may reach programs of this computer, and the answer was no. */
async function isDenied(): Promise<boolean> {
  for (const name of ['loopback-network', 'local-network-access']) {
    try {
      const { state } = await navigator.permissions.query({ name: name as PermissionName });
      if (state === 'denied') return true;
    } catch {
      // this browser knows no such permission
    }
  }
  return false;
}

/** Somebody is there, and answers to other pages than this one: a refusal that CORS lets nobody read. */
async function isRefused(): Promise<boolean> {
  const { agentUrl } = await site();
  const answers = (how: RequestInit) =>
    fetch(`${agentUrl}/v1/status`, { cache: 'no-store', signal: AbortSignal.timeout(PROBE_MS), ...how }).then(
      () => true,
      () => false,
    );
  return (await answers({ mode: 'no-cors' })) && !(await answers({ headers: { 'x-kaika-agent': '1' } }));
}

const STATES: Partial<Record<string, AgentState>> = {
  agentMissing: 'agent-missing',
  tooSlow: 'agent-missing',
  permissionDenied: 'permission-denied',
  originNotAllowed: 'origin-refused',
  hostNotAllowed: 'origin-refused',
  pairingNeeded: 'pairing-needed',
};

/** The state of agent, reader and card; whatever is wrong is a state and no error, but for `cancelled`. */
export async function agentStatus(signal?: AbortSignal): Promise<AgentStatus> {
  try {
    return await ask<AgentStatus>('GET', `/v1/status?minimumVersion=${MINIMUM_VERSION}`, undefined, signal);
  } catch (error) {
    const state = error instanceof Problem ? STATES[error.code] : undefined;
    if (!state) throw error;
    return { state };
  }
}

export const readCard = (signal?: AbortSignal) => ask<CardFacts>('POST', '/v1/card', {}, signal);

export const prove = (
  order: { session: string; nonce: string; purpose: Purpose; card: CardFacts },
  signal?: AbortSignal,
) =>
  ask<Proof>(
    'POST',
    '/v1/proofs',
    {
      session: order.session,
      nonce: order.nonce,
      purpose: order.purpose,
      reader: order.card.reader,
      cardNumber: order.card.cardNumber,
    },
    signal,
  );

export const openPinSession = (order: { session: string; nonce: string; job: string }, signal?: AbortSignal) =>
  ask<PageSession>('POST', '/v1/pin-sessions', order, signal);
/** 解卡: the centre's job for a card in this reader; nobody types anything. */
export const unlock = (order: { session: string; nonce: string; job: string }, signal?: AbortSignal) =>
  ask<{ state: 'done' | 'refused' | 'send-in'; signature?: string }>('POST', '/v1/unlocks', order, signal);
export const openPinChange = (signal?: AbortSignal) => ask<PageSession>('POST', '/v1/pin-changes', {}, signal);
export const openPinCheck = (signal?: AbortSignal) => ask<PageSession>('POST', '/v1/pin-checks', {}, signal);
export const pageState = (id: string, signal?: AbortSignal) =>
  ask<PageState>('GET', `/v1/pin-sessions/${id}`, undefined, signal);
export const selfCheck = (signal?: AbortSignal) => ask<{ items: CheckItem[] }>('POST', '/v1/self-checks', {}, signal);

export const beginPairing = (signal?: AbortSignal) => ask<PageSession>('POST', '/v1/pairings', {}, signal);
export async function confirmPairing(id: string, code: string, signal?: AbortSignal): Promise<void> {
  ({ token } = await ask<{ token: string }>('POST', `/v1/pairings/${id}/token`, { code }, signal));
}

export const VIRTUAL_READER = 'virtual reader';
/** The hand at the virtual reader of a demonstration. */
export const insertVirtualCard = (cardNumber: string | null, signal?: AbortSignal) =>
  ask<unknown>('PUT', '/virtual/reader', { cardNumber }, signal);
