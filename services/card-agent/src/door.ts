import type { Request, RequestHandler, Response } from 'express';
import { CaError } from '#libs/errors';
import type { Pairing } from './pairing/pairing.js';

const METHODS = 'GET, POST, PUT';
const HEADERS = 'authorization, content-type, x-kaika-agent';
/**
 * The agent's own pages. Their GETs change nothing: anybody's link may lead there. That of an open PIN page, whose path
 * nobody can guess, asks the card how many tries its PIN has, which uses none up.
 */
const OWN_PAGES = /^\/(?:pin|pairing)\/|^\/check(?:\/|$)/;
/** What a page may ask before it is paired. */
const BEFORE_PAIRING = /^\/v1\/(?:status|pairings(?:\/[A-Za-z0-9_-]+\/token)?)$/;
/** Once more by a page that was not answered, which tells it a refusal from nobody there. */
const ASKED_WITHOUT_CORS = '/v1/status';
const PREFLIGHT_SECONDS = 60;

/**
 * Who may speak to an agent on loopback, checked before anything of a request is read:
 * - its own Host, to the letter (a rebound DNS name arrives with another), else 421;
 * - for the API an Origin that is there and on the list, to the letter, and the header that no form can send, else 403;
 * - that the page was paired, else 401;
 * - for the forms on the agent's own pages its own Origin.
 */
export function door(origins: readonly string[], pairing: Pairing): RequestHandler {
  return (request, response, next) => {
    mustBeOwnHost(request);
    response.setHeader('Cache-Control', 'no-store');
    if (OWN_PAGES.test(request.path)) {
      if (request.method !== 'GET') mustBeOwnForm(request);
      return next();
    }
    if (request.path === '/openapi.json' && request.method === 'GET') return next();

    response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || !origins.includes(origin)) {
      // A page cannot read this, and by this one answer knows that somebody is here, whoever's page it is: docs/KIOSK.md.
      if (request.path === ASKED_WITHOUT_CORS && request.method === 'GET') {
        response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
      }
      throw new CaError('originNotAllowed', 'the page’s origin is missing or not on this agent’s list');
    }
    response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method === 'OPTIONS') return preflight(request, response);
    if (request.headers['x-kaika-agent'] !== '1') {
      throw new CaError('originNotAllowed', 'send the header X-Kaika-Agent: 1');
    }
    if (!BEFORE_PAIRING.test(request.path) && !pairing.isPaired(origin, request.headers.authorization, 'counts')) {
      throw new CaError('pairingNeeded', 'pair this page with the agent first: POST /v1/pairings');
    }
    next();
  };
}

/** Of a request that the door has let in: it is there, and on the list. */
export const originOf = (request: Request) => request.headers.origin ?? '';

/** The agent's own address as the browser must have been told it; never a name, as names can be rebound. */
export function ownHosts(request: Request): readonly string[] {
  const port = request.socket.localPort;
  return [`127.0.0.1:${port}`, `[::1]:${port}`];
}

function mustBeOwnHost(request: Request): void {
  if (!ownHosts(request).includes(request.headers.host ?? '')) {
    throw new CaError('hostNotAllowed', 'address this agent as 127.0.0.1 with its port');
  }
}

function mustBeOwnForm(request: Request): void {
  if (request.headers.origin !== `http://${request.headers.host}`) {
    throw new CaError('originNotAllowed', 'the PIN form is sent by the agent’s own page only');
  }
}

/**
 * CORS (Fetch §3.2), and what browsers ask before a public page reaches loopback: Private Network Access and its
 * successor, Local Network Access.
 */
function preflight(request: Request, response: Response): void {
  response.vary('Access-Control-Request-Method').vary('Access-Control-Request-Headers');
  response.setHeader('Access-Control-Allow-Methods', METHODS);
  response.setHeader('Access-Control-Allow-Headers', HEADERS);
  response.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  for (const network of ['private', 'local']) {
    if (request.headers[`access-control-request-${network}-network`] === 'true') {
      response.setHeader(`Access-Control-Allow-${network === 'private' ? 'Private' : 'Local'}-Network`, 'true');
    }
  }
  response.status(204).end();
}
