import { use } from 'react';
import { answerOf, api } from './client.js';

export interface Site {
  hotlines: { where: string; number: string }[];
  /** Where the card agent of this machine answers */
  agentUrl: string;
  /** Where officers sign in; null: nowhere */
  login: Login | null;
}

export interface Login {
  issuer: string;
  clientId: string;
  scope: string;
}

const NOWHERE: Site = { hotlines: [], agentUrl: 'http://127.0.0.1:3010', login: null };
let asked: Promise<Site> | undefined;

/** What the pages show of this site; asked once, again only after it could not be had. */
export function site(): Promise<Site> {
  asked ??= answerOf(api.GET('/api/v1/site')).then(
    (found) => found as Site,
    () => {
      asked = undefined;
      return NOWHERE;
    },
  );
  return asked;
}

const first = site();
export const useSite = (): Site => use(first);
