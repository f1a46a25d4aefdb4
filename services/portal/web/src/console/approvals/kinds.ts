import { answerOf } from '../../api/client.js';
import { api } from '../api.js';
import type { Door } from '../../../../src/console-doors.js';
import type { PageOf } from '../parts/use-pages.js';

export const STATES = ['open', 'approved', 'rejected', 'expired'] as const;
export type State = (typeof STATES)[number];

/** What every request of two persons has, whatever it asks for. */
export interface TwoPersons {
  id: string;
  ground: string;
  state: State;
  requestedBy: string;
  requestedAt: string;
  expiresAt: string;
  decidedBy: string | null;
  decidedAt: string | null;
  rejectionGround: string | null;
}

export interface Kind {
  list: Door;
  decide: Door;
  ask(state: State, after: string | number | undefined, signal: AbortSignal): Promise<PageOf<TwoPersons>>;
  /** What it is about, in a line: a card, a list, an event. */
  about(request: TwoPersons): { key: string; values: Record<string, string> };
  approve(id: string, signal: AbortSignal): Promise<unknown>;
  reject(id: string, ground: string, signal: AbortSignal): Promise<unknown>;
}

type Paths =
  | '/api/v1/revocation-requests'
  | '/api/v1/emergency-lists'
  | '/api/v1/crls/releases'
  | '/api/v1/card-return-requests'
  | '/api/v1/unlock-requests';

/** Every service's requests have the same three doors. */
function kind(path: Paths, about: (request: never) => { key: string; values: Record<string, string> }): Kind {
  return {
    list: `GET ${path}`,
    decide: `POST ${path}/{id}/approval`,
    about: about as Kind['about'],
    ask: async (state, after, signal) => {
      const page = await answerOf(
        api.GET(path, { params: { query: { state, limit: 50, ...(after && { after: Number(after) }) } }, signal }),
      );
      return page as unknown as PageOf<TwoPersons>;
    },
    approve: (id, signal) =>
      answerOf(api.POST(`${path}/{id}/approval`, { params: { path: { id } }, body: {}, signal })),
    reject: (id, ground, signal) =>
      answerOf(api.POST(`${path}/{id}/rejection`, { params: { path: { id } }, body: { ground }, signal })),
  };
}

export const SERVICES = ['suspension', 'issuance', 'acceptance', 'crl-publisher', 'status-query'] as const;
export type Service = (typeof SERVICES)[number];

interface Discard extends Omit<TwoPersons, 'rejectionGround'> {
  parameters: { key: string; type: string | null; topic: string; ground: string };
}

/** Dead letters are every service's own; their requests came before the common shape. */
function discards(service: Service): Kind {
  const path = `/api/v1/${service}/discard-requests` as '/api/v1/suspension/discard-requests';
  return {
    list: 'GET /api/v1/suspension/discard-requests',
    decide: 'POST /api/v1/suspension/discard-requests/{id}/approval',
    about: (request) => {
      const { parameters } = request as unknown as Discard;
      return { key: 'discard', values: { service, type: parameters.type ?? parameters.topic, key: parameters.key } };
    },
    ask: async (state, after, signal) => {
      const query = { state, limit: 50, ...(after && { after: Number(after) }) };
      const { items, next } = await answerOf(api.GET(path, { params: { query }, signal }));
      const found = items as unknown as Discard[];
      return {
        items: found.map((one) => ({ ...one, rejectionGround: (one as unknown as { ground: string | null }).ground, ground: one.parameters.ground })), // prettier-ignore
        next,
      };
    },
    approve: (id, signal) => answerOf(api.POST(`${path}/{id}/approval`, { params: { path: { id } }, signal })),
    reject: (id, ground, signal) => answerOf(api.POST(`${path}/{id}/rejection`, { params: { path: { id } }, body: { ground }, signal })), // prettier-ignore
  };
}

export const KINDS: Record<string, Kind> = {
  revocation: kind('/api/v1/revocation-requests', (one: { cardNumber: string; reason: string }) => ({
    key: 'revocation',
    values: { cardNumber: one.cardNumber, reason: one.reason },
  })),
  emergency: kind('/api/v1/emergency-lists', () => ({ key: 'emergency', values: {} })),
  release: kind('/api/v1/crls/releases', (one: { cut: string }) => ({ key: 'release', values: { cut: one.cut } })),
  outcome: kind('/api/v1/card-return-requests', (one: { caseNumber: string; outcome: string }) => ({
    key: 'outcome',
    values: { caseNumber: one.caseNumber, outcome: one.outcome },
  })),
  unlock: kind('/api/v1/unlock-requests', (one: { cardNumber: string }) => ({
    key: 'unlock',
    values: { cardNumber: one.cardNumber },
  })),
  ...Object.fromEntries(SERVICES.map((service) => [`discard-${service}`, discards(service)])),
};
