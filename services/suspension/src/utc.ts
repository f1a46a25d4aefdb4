/** RFC 3339 in UTC without a fraction, as certificates and lists have times: `2026-11-21T16:00:00Z`. */
export function utcSeconds(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
