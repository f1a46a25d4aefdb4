import { z } from 'zod';

/** RFC 5322 §3.2.3 dot-atom, its letters widened as in RFC 6531 §3.3. */
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u0080-\\uffff-]+";
const LOCAL = new RegExp(`^${ATOM}(\\.${ATOM})*$`);
/** What a host may be: the URL parser would cut a path off and take a port or percent signs. */
const DOMAIN = /^[A-Za-z0-9.\u0080-\u{10ffff}-]+$/u;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const FULL_WIDTH = /[\uff01-\uff5e\uff61\u3000\u3002]/;
/** UTF-8. Nothing here is Node's alone: the pages check addresses by the same rule. */
const octets = (text: string) => new TextEncoder().encode(text).length;

/** The domain in A-labels, as the URL standard writes hosts; one without a dot, which is refused, when it is none. */
function aLabels(domain: string): string {
  const url = new URL('ws://x');
  url.hostname = domain;
  return url.hostname;
}

const CONTROL = /[\p{C}\p{Z}]/u;

/**
 * The address as a certificate can carry it in rfc822Name (RFC 5280 §4.2.1.6): ASCII local part, domain of A-labels.
 *
 * @returns  the address, its domain in lower case; undefined when it has no such form and is to be left out
 */
export function certificateEmail(text: string): string | undefined {
  const parts = split(text);
  // eslint-disable-next-line no-control-regex
  return parts && /^[\x00-\x7f]+$/.test(parts.local) ? `${parts.local}@${parts.domain}` : undefined;
}

/** Local part as typed (its case may matter) and the domain as lower-case A-labels (RFC 5890 §2.3.2.1). */
function split(text: string): { local: string; domain: string } | undefined {
  if (CONTROL.test(text) || FULL_WIDTH.test(text) || octets(text) > 254) return undefined;
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  if (!LOCAL.test(local) || octets(local) > 64) return undefined;
  if (!DOMAIN.test(text.slice(at + 1))) return undefined;
  const domain = aLabels(text.slice(at + 1));
  const labels = domain.split('.');
  const named = labels.length > 1 && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(labels.at(-1)!);
  return named && domain.length <= 253 ? { local, domain } : undefined;
}

/** An e-mail address in a request: trimmed, the domain as lower-case A-labels, so that an exact search finds it. */
export const email = z
  .string('an e-mail address is a text')
  .overwrite((text) => {
    const parts = split(text.trim());
    return parts ? `${parts.local}@${parts.domain}` : text.trim();
  })
  .refine((text) => split(text) !== undefined, 'not an e-mail address (half-width: name@example.com)')
  .meta({
    description: 'E-mail address, at most 254 octets; an internationalised domain is stored as A-labels',
    examples: ['contact@example.com'],
    maxLength: 254,
  });
