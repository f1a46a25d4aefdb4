/**
 * Whom the server's doors let in, as docs/openapi.json says (a test compares them). The console shows by it what a person
 * may do; what they may not, the server refuses.
 */
export const DOORS = {
  'GET /api/v1/applications': ['application-officer'],
  'GET /api/v1/cards/{n}': ['ca-operator', 'ca-officer', 'auditor'],
  'GET /api/v1/cards/{n}/status-history': ['ca-operator', 'ca-officer', 'auditor'],
  'GET /api/v1/cards/{n}/evidence': ['ca-operator', 'ca-officer', 'auditor'],
  'POST /api/v1/cards/{n}/hold': ['ca-officer'],
  'POST /api/v1/cards/{n}/revocation': ['ca-officer'],
  'POST /api/v1/cards/{n}/acceptance-deadline': ['ca-officer'],
  'POST /api/v1/cards/{n}/unlock-requests': ['ca-operator', 'ca-officer'],
  'GET /api/v1/revocation-requests': ['ca-officer', 'auditor'],
  'POST /api/v1/revocation-requests/{id}/approval': ['ca-officer'],
  'GET /api/v1/emergency-lists': ['ca-officer', 'ca-operator', 'auditor'],
  'POST /api/v1/emergency-lists': ['ca-officer'],
  'POST /api/v1/emergency-lists/{id}/approval': ['ca-officer'],
  'GET /api/v1/crls/held': ['ca-officer', 'ca-operator', 'auditor'],
  'POST /api/v1/crls/held/{cut}/release': ['ca-officer'],
  'GET /api/v1/crls/releases': ['ca-officer', 'ca-operator', 'auditor'],
  'POST /api/v1/crls/releases/{id}/approval': ['ca-officer'],
  'GET /api/v1/crls/{a}/differences/{b}': ['ca-operator', 'auditor'],
  'GET /api/v1/alarms': ['ca-operator', 'auditor'],
  'GET /api/v1/unlock-requests': ['ca-operator', 'ca-officer', 'auditor'],
  'POST /api/v1/unlock-requests/{id}/approval': ['ca-officer'],
  'POST /api/v1/unlocks': ['ca-operator', 'ca-officer'],
  'GET /api/v1/card-returns': ['ca-operator', 'ca-officer'],
  'POST /api/v1/card-returns/{case}/receipt': ['ca-operator'],
  'POST /api/v1/card-returns/{case}/identification': ['ca-operator'],
  'POST /api/v1/card-returns/{case}/outcome': ['ca-officer'],
  'POST /api/v1/card-returns/{case}/dispatch': ['ca-operator'],
  'GET /api/v1/card-return-requests': ['ca-officer', 'auditor'],
  'POST /api/v1/card-return-requests/{id}/approval': ['ca-officer'],
  'GET /api/v1/suspension/dead-letters': ['ca-operator', 'ca-officer', 'auditor'],
  'POST /api/v1/suspension/dead-letters/{id}/replay': ['ca-operator'],
  'POST /api/v1/suspension/dead-letters/{id}/discard': ['ca-operator', 'ca-officer'],
  'GET /api/v1/suspension/discard-requests': ['ca-operator', 'ca-officer', 'auditor'],
  'POST /api/v1/suspension/discard-requests/{id}/approval': ['ca-officer'],
} as const satisfies Record<string, readonly string[]>;
export type Door = keyof typeof DOORS;

export const letsIn = (door: Door, roles: readonly string[]): boolean =>
  (DOORS[door] as readonly string[]).some((role) => roles.includes(role));
