import i18next from 'i18next';
import { site } from '../../api/site.js';
import { problemOf, Problem } from '../../api/problem.js';
import { AFTER_LOGOUT, ask, CALLBACK, farewell, mustBeAsked, type Pending, redeem } from './provider.js';

/** As the server's doors have them. */
export interface Caller {
  subject: string;
  roles: string[];
}

/**
 * `none`: nobody has signed in · `no-provider`: the settings name none · `refused`: the token is not taken here ·
 * `failed`: the provider could not be reached or answered wrongly · `handed-over`: to the window that asked.
 */
export type Closed = 'none' | 'no-provider' | 'refused' | 'failed' | 'logged-out' | 'handed-over';

export type Session =
  /** The provider is being asked. */
  | { state: 'beginning' }
  | { state: 'closed'; why: Closed }
  /** `again`: the token has expired; what the page shows stays until the person has signed in again. */
  | { state: 'open'; caller: Caller; again?: Again };

export interface Again {
  /** The provider's page, to be opened beside this one */
  address: string;
  /** What was under way is refused; what was typed stays. */
  giveUp: () => void;
}

const KEPT_AS = 'kaika.console.login';
const CHANNEL = 'kaika.console.login';

let session: Session = { state: 'beginning' };
/** In this variable and nowhere else: a reload asks the provider, which remembers who it was. */
let accessToken: string | undefined;
let renewal: Promise<void> | undefined;
const listeners = new Set<() => void>();

export const currentSession = (): Session => session;
export const currentToken = (): string | undefined => accessToken;
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

/** What opening the console does: takes up the provider's answer, or asks it who sits here without showing anything. */
export async function begin(): Promise<void> {
  if (location.pathname === CALLBACK) return takeUp();
  if (location.pathname === AFTER_LOGOUT) return become({ state: 'closed', why: 'logged-out' });
  await leave(true);
}

/** Goes to the provider's own page, and comes back to this one. */
export const signIn = (): Promise<void> => leave(false);

async function leave(silently: boolean): Promise<void> {
  const { login } = await site();
  if (!login) return become({ state: 'closed', why: 'no-provider' });
  try {
    const { address, pending } = await ask(login, { silently, language: i18next.language });
    const here = location.pathname + location.search;
    const returnTo = [CALLBACK, AFTER_LOGOUT].includes(location.pathname) ? '/console' : here;
    sessionStorage.setItem(KEPT_AS, JSON.stringify({ ...pending, returnTo }));
    location.replace(address);
  } catch {
    become({ state: 'closed', why: 'failed' });
  }
}

async function takeUp(): Promise<void> {
  const { search } = location;
  const kept = sessionStorage.getItem(KEPT_AS);
  sessionStorage.removeItem(KEPT_AS);
  const { returnTo, ...pending } = JSON.parse(kept ?? '{"returnTo":"/console"}') as Pending & { returnTo: string };
  if (!kept && new URLSearchParams(search).has('state')) return handOver(search);
  // The code is used up; it has no business in the address, and the page before is where the person wanted to be.
  history.replaceState(null, '', returnTo.startsWith('/console') ? returnTo : '/console');
  if (!kept) return become({ state: 'closed', why: 'none' });
  try {
    await open(search, pending);
  } catch (error) {
    become({ state: 'closed', why: mustBeAsked(error) ? 'none' : 'failed' });
  }
}

async function open(search: string, pending: Pending): Promise<void> {
  const { login } = await site();
  const tokens = await redeem(login!, search, pending);
  const response = await fetch('/api/v1/caller', {
    headers: { authorization: `Bearer ${tokens.accessToken}` },
    credentials: 'omit',
    cache: 'no-store',
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    if (response.status === 401 || response.status === 403) return become({ state: 'closed', why: 'refused' });
    throw problemOf(response.status, body);
  }
  const caller = body as Caller;
  if (session.state === 'open' && session.caller.subject !== caller.subject) return location.reload();
  accessToken = tokens.accessToken;
  become({ state: 'open', caller });
}

/** This is the window that a page with an expired token has opened: the answer is that page's. */
function handOver(search: string): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(search);
  channel.close();
  become({ state: 'closed', why: 'handed-over' });
  window.close();
}

/** The token is not taken any more. Resolves once the same person has signed in again, in another window. */
export function signInAgain(): Promise<void> {
  renewal ??= renew().finally(() => {
    renewal = undefined;
    if (session.state === 'open') become({ state: 'open', caller: session.caller });
  });
  return renewal;
}

async function renew(): Promise<void> {
  const { login } = await site();
  if (session.state !== 'open' || !login) throw new Problem('unauthorized');
  const { address, pending } = await ask(login, { language: i18next.language });
  const channel = new BroadcastChannel(CHANNEL);
  try {
    const search = await new Promise<string>((resolve, reject) => {
      channel.onmessage = ({ data }: MessageEvent<string>) => {
        if (new URLSearchParams(data).get('state') === pending.state) resolve(data);
      };
      const giveUp = () => reject(new Problem('unauthorized'));
      if (session.state === 'open') become({ ...session, again: { address, giveUp } });
    });
    await open(search, pending);
  } finally {
    channel.close();
  }
}

export async function logOut(): Promise<void> {
  const { login } = await site();
  accessToken = undefined;
  const address = login ? await farewell(login).catch(() => undefined) : undefined;
  location.assign(address ?? AFTER_LOGOUT);
}
