import * as oauth from 'oauth4webapi';
import type { Login } from '../../api/site.js';

/** Where the provider sends the browser back to; the only address it is told. */
export const CALLBACK = '/console/login';
export const AFTER_LOGOUT = '/console/logged-out';

/** What must be remembered from asking until the answer: worth nothing without the code, and nothing after it. */
export interface Pending {
  state: string;
  nonce: string;
  verifier: string;
}

export interface Tokens {
  accessToken: string;
}

let known: Promise<oauth.AuthorizationServer> | undefined;

/** The provider's own description (OpenID Connect Discovery 1.0), asked for once. */
function provider({ issuer }: Login): Promise<oauth.AuthorizationServer> {
  known ??= describe(issuer).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function describe(issuer: string): Promise<oauth.AuthorizationServer> {
  const identifier = new URL(issuer);
  return oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, insecure(issuer)));
}

/** Plain http is for a provider on this very machine: the server's settings take no other. */
const insecure = (issuer: string) => ({ [oauth.allowInsecureRequests]: issuer.startsWith('http://') });
const clientOf = ({ clientId }: Login): oauth.Client => ({ client_id: clientId });
const redirectUri = () => location.origin + CALLBACK;

/**
 * Where to send the browser to sign in: code flow with PKCE (RFC 7636), `state` and `nonce`.
 *
 * @param silently  only if the provider knows who it is (`prompt=none`); else it answers with an error and shows nothing
 */
export async function ask(
  login: Login,
  { silently = false, language }: { silently?: boolean; language: string },
): Promise<{ address: string; pending: Pending }> {
  const verifier = oauth.generateRandomCodeVerifier();
  const pending = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier };
  const address = new URL((await provider(login)).authorization_endpoint!);
  const parameters = {
    client_id: login.clientId,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: login.scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ui_locales: language,
    ...(silently && { prompt: 'none' }),
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return { address: address.href, pending };
}

/**
 * Exchanges the code that came back. `state`, issuer and `nonce` are checked.
 *
 * @param search  the query the provider sent the browser back with
 * @throws Error of oauth4webapi; AuthorizationResponseError when the provider refused
 */
export async function redeem(login: Login, search: string, pending: Pending): Promise<Tokens> {
  const [server, client] = [await provider(login), clientOf(login)];
  const parameters = oauth.validateAuthResponse(server, client, new URLSearchParams(search), pending.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectUri(),
    pending.verifier,
    insecure(login.issuer),
  );
  const result = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: pending.nonce,
    requireIdToken: true,
  });
  return { accessToken: result.access_token };
}

/** Whether the provider said no because somebody has to be asked (OpenID Connect Core §3.1.2.6). */
export function mustBeAsked(error: unknown): boolean {
  const silent = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];
  return error instanceof oauth.AuthorizationResponseError && silent.includes(error.error);
}

/** Where the provider's own session is ended; undefined: it has no such page. */
export async function farewell(login: Login): Promise<string | undefined> {
  const { end_session_endpoint: endpoint } = await provider(login);
  if (!endpoint) return undefined;
  const address = new URL(endpoint);
  address.searchParams.set('client_id', login.clientId);
  address.searchParams.set('post_logout_redirect_uri', location.origin + AFTER_LOGOUT);
  return address.href;
}
