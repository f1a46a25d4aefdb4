import { issueToken, type Role } from '#libs/doors';
import type { SigningKey } from '#libs/doors';

/** People who exist only in the embedded default: one a role, and a second officer for what takes two (DESIGN.md §1). */
export const DEMO_USERS = {
  lin: ['application-officer'],
  chen: ['ca-operator'],
  wang: ['ca-officer'],
  wu: ['ca-officer'],
  huang: ['auditor'],
  'office-63': ['registration-office'],
  'kiosk-1': ['kiosk'],
} as const satisfies Record<string, readonly Role[]>;
export type DemoUser = keyof typeof DEMO_USERS;

export const isDemoUser = (name: string): name is DemoUser => Object.hasOwn(DEMO_USERS, name);

export function demoToken(key: SigningKey, issuer: string, user: DemoUser): Promise<string> {
  return issueToken(key, {
    issuer,
    subject: user,
    roles: DEMO_USERS[user],
    lifetimeSeconds: 8 * 3_600,
  });
}
