import { CaError, type ErrorCode, toProblem } from '#libs/errors';

interface EdgeProblem {
  location: string;
  /** nginx' own codes: 494 a header too large, 497 plain http to the port of TLS. */
  of: number[];
  code: ErrorCode;
  detail: string;
  headers?: string[];
  /** Found before the path is known: nginx can enter no named location then. */
  early?: true;
}

/** What the edge answers by itself, in the words of the services. */
const PROBLEMS: readonly EdgeProblem[] = [
  { location: '@no_path', of: [404], code: 'notFound', detail: 'no such path' },
  {
    location: '@no_method',
    of: [405],
    code: 'methodNotAllowed',
    detail: '$request_method is not offered at this path',
    headers: ['Allow $kaika_allow'],
  },
  { location: '@too_large', of: [413], code: 'bodyTooLarge', detail: 'at most 256 KiB' },
  {
    location: '/edge/unreadable',
    of: [400, 414, 494, 497],
    code: 'invalidRequest',
    detail: 'the request cannot be read',
    early: true,
  },
  {
    location: '@no_answer',
    of: [500, 502, 503, 504],
    code: 'serviceUnavailable',
    detail: 'the service does not answer; with an Idempotency-Key the request may be sent again',
    headers: ['Retry-After 5'],
  },
];

/** For a `server`. An answer of a service is never replaced (`proxy_intercept_errors` is off). */
export const ERROR_PAGES = PROBLEMS.map(({ of, location }) => `error_page ${of.join(' ')} = ${location};`).join('\n');

export const PROBLEM_LOCATIONS = PROBLEMS.map(({ location, code, detail, headers = [], early }) => {
  const problem = toProblem(new CaError(code, detail));
  const added = [...headers, 'Cache-Control no-store', 'Strict-Transport-Security $kaika_hsts'];
  return `location ${early ? `= ${location}` : location} {
  ${early ? 'internal;\n  ' : ''}default_type "application/problem+json; charset=utf-8";
${added.map((header) => `  add_header ${header} always;\n`).join('')}  return ${problem.status} '${quoted(JSON.stringify(problem))}';
}`;
}).join('\n');

/** Within single quotes of nginx; `$` starts a variable there, as it should. */
function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}
