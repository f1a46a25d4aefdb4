import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Logger } from 'pino';
import { AUDIENCE, type SigningKey } from '#libs/doors';
import { DEMO_USERS, isDemoUser } from '../demo-users.js';
import './url-parse.js';
import {
  failurePage,
  type Language,
  LANGUAGES,
  loggedOutPage,
  loginPage,
  logoutPage,
  STYLE,
} from './identity-pages.js';
import { keptInMemory } from './kept.js';

export const CONSOLE_CLIENT = 'kaika-console';

const PREFIX = '/identity';
const RESOURCE = 'urn:kaika';
const TOKEN_SECONDS = 3_600;
const SESSION_SECONDS = 8 * 3_600;

/** What the provider answers, for the gateway's table of exact paths. */
export const IDENTITY_PATHS: Record<string, string[]> = {
  [`${PREFIX}/.well-known/openid-configuration`]: ['GET', 'OPTIONS'],
  [`${PREFIX}/jwks`]: ['GET', 'OPTIONS'],
  [`${PREFIX}/auth`]: ['GET', 'POST'],
  [`${PREFIX}/auth/{uid}`]: ['GET'],
  [`${PREFIX}/token`]: ['POST', 'OPTIONS'],
  [`${PREFIX}/interaction/{uid}`]: ['GET', 'POST'],
  [`${PREFIX}/session/end`]: ['GET', 'POST'],
  [`${PREFIX}/session/end/confirm`]: ['POST'],
  [`${PREFIX}/session/end/success`]: ['GET'],
  [`${PREFIX}/style.css`]: ['GET'],
};

export interface IdentityOptions {
  /** `<public address>/identity`: the `iss` of tokens, and where browsers find it. */
  issuer: string;
  /** Signs ID and access tokens: the key that demo tokens are signed with. */
  key: SigningKey;
  /** Of the pages that people may be sent back to. */
  origins: readonly string[];
  log: Logger;
}

/**
 * The embedded default's own OpenID provider: the console's users choose who of the demo users they are, without a
 * password. Never for production, where `readAllInOneConfig` refuses to start and KAIKA_OIDC_ISSUER names a real one.
 */
export async function createIdentity(options: IdentityOptions): Promise<RequestListener> {
  const { Provider } = await import('oidc-provider/lib/provider.js').catch((cause: unknown) => {
    throw new Error('the embedded default needs oidc-provider, an optional dependency: npm ci', { cause });
  });
  const provider = new Provider(options.issuer, configuration(options));
  provider.proxy = true; // scheme and host are those that `addressedTo` sets, whatever the request says
  provider.on('server_error', (_ctx, error) => options.log.error({ err: error }, 'the identity provider failed'));
  const app = express().disable('x-powered-by');
  app.use(safe(options.origins));
  app.get(`${PREFIX}/style.css`, (_request, response) => void response.type('css').send(STYLE));
  app.get(`${PREFIX}/interaction/:uid`, (request, response) => choose(provider, request, response));
  app.post(`${PREFIX}/interaction/:uid`, express.urlencoded({ extended: false, limit: 1024 }), (request, response) =>
    chosen(provider, request, response),
  );
  app.use(PREFIX, addressedTo(options.issuer), provider.callback());
  app.use(failed(options.log));
  return app;
}

function configuration({ key, origins }: IdentityOptions): Configuration {
  return {
    adapter: keptInMemory(),
    clients: [
      {
        client_id: CONSOLE_CLIENT,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: origins.map((origin) => `${origin}/console/login`),
        post_logout_redirect_uris: origins.map((origin) => `${origin}/console/logged-out`),
        id_token_signed_response_alg: 'EdDSA',
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'EdDSA' },
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, alg: 'EdDSA', use: 'sig' }] as never },
    cookies: {
      keys: [randomBytes(32).toString('base64url')], // sessions don't outlive the process either
      names: { session: 'kaika_session', interaction: 'kaika_login', resume: 'kaika_login_resume' },
      long: { path: PREFIX, httpOnly: true, sameSite: 'lax' },
    },
    claims: { openid: ['sub'] },
    scopes: ['openid'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `${PREFIX}/interaction/${uid}` },
    findAccount: (_ctx, sub) => (isDemoUser(sub) ? { accountId: sub, claims: async () => ({ sub }) } : undefined),
    loadExistingGrant: grantAll,
    extraTokenClaims: (_ctx, token) => ({
      roles: 'accountId' in token && isDemoUser(token.accountId) ? DEMO_USERS[token.accountId] : [],
    }),
    clientBasedCORS: (_ctx, origin) => origins.includes(origin),
    ttl: { AccessToken: TOKEN_SECONDS, IdToken: TOKEN_SECONDS, Session: SESSION_SECONDS, Grant: SESSION_SECONDS, Interaction: 600, AuthorizationCode: 60 }, // prettier-ignore
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => void (ctx.body = logoutPage(languageOf(ctx), form)),
        postLogoutSuccessSource: (ctx) => void (ctx.body = loggedOutPage(languageOf(ctx))),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenTTL: TOKEN_SECONDS,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'EdDSA' } },
        }),
      },
    },
    renderError(ctx, { error }) {
      ctx.type = 'html';
      ctx.body = failurePage(languageOf(ctx), error);
    },
  };
}

/** The console is this product's own: nobody is asked whether it may know who they are. */
async function grantAll({ oidc }: KoaContextWithOIDC) {
  const { provider, session, client } = oidc;
  const known = session?.grantIdFor(client!.clientId);
  const existing = known ? await provider.Grant.find(known) : undefined;
  if (existing) return existing;
  const grant = new provider.Grant({ clientId: client!.clientId, accountId: session!.accountId! });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

async function choose(provider: Provider, request: Request, response: Response): Promise<void> {
  const language = await waiting(provider, request, response);
  if (language) response.type('html').send(loginPage(language, request.path));
}

async function chosen(provider: Provider, request: Request, response: Response): Promise<void> {
  if (!(await waiting(provider, request, response))) return;
  const user = (request.body as { user?: unknown } | undefined)?.user;
  const result =
    typeof user === 'string' && isDemoUser(user)
      ? { login: { accountId: user }, consent: {} }
      : { error: 'access_denied', error_description: 'nobody of that name' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/** @returns the language to ask in; undefined when nobody waits for an answer (any more), which is then shown */
async function waiting(provider: Provider, request: Request, response: Response): Promise<Language | undefined> {
  const asked = request.query['lang'];
  const language = LANGUAGES.find((known) => known === asked);
  try {
    const { params } = await provider.interactionDetails(request, response);
    return language ?? preferred(String(params['ui_locales'] ?? ''), request.headers['accept-language']);
  } catch (error) {
    if ((error as { error?: unknown }).error !== 'invalid_request') throw error;
    const page = failurePage(language ?? preferred('', request.headers['accept-language']), 'invalid_request');
    response.status(400).type('html').send(page);
    return undefined;
  }
}

const languageOf = ({ oidc, req }: KoaContextWithOIDC): Language =>
  preferred(String(oidc?.params?.['ui_locales'] ?? ''), req.headers['accept-language']);

const preferred = (locales: string, accepted: string | undefined): Language =>
  (locales || accepted || '').toLowerCase().startsWith('en') ? 'en' : 'zh-TW';

/** Chromium holds the redirects after a form to `form-action` as well: those lead back to the pages. */
function safe(origins: readonly string[]): RequestHandler {
  const csp = `default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self' ${origins.join(' ')}; frame-ancestors 'none'`;
  return (_request, response, next) => {
    response.setHeader('content-security-policy', csp);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'same-origin');
    response.setHeader('cache-control', 'no-store');
    next();
  };
}

/** A form that is too long or no form, and whatever else goes wrong: never with a stack on the page. */
function failed(log: Logger): ErrorRequestHandler {
  return (error: { status?: number }, request, response, _next) => {
    const isTheirs = error.status !== undefined && error.status < 500;
    if (!isTheirs) log.error({ err: error }, 'the identity provider failed');
    const code = isTheirs ? 'invalid_request' : 'server_error';
    const page = failurePage(preferred('', request.headers['accept-language']), code);
    response
      .status(isTheirs ? error.status! : 500)
      .type('html')
      .send(page);
  };
}

/** oidc-provider writes addresses by the request's host; they are the issuer's, whoever asks and by whatever name. */
function addressedTo(issuer: string): RequestHandler {
  const { host, protocol } = new URL(issuer);
  return (request, _response, next) => {
    request.headers.host = host;
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    delete request.headers['x-forwarded-host'];
    next();
  };
}
