import type { AclEntry, Admin } from 'kafkajs';
import { sleep } from '#libs/clock';
import type { TopicAccess } from './topics.js';

const APPLIED_WITHIN_MS = 15_000;

type Kafkajs = typeof import('kafkajs');

/**
 * Grants each service what the table says and its own consumer group, and takes back what else its user may do with
 * those topics. A cluster without an authorizer has no rights to grant: that is told.
 */
export async function grantAccess(admin: Admin, access: TopicAccess, log: (line: string) => void): Promise<void> {
  const { default: kafkajs } = await import('kafkajs'); // CommonJS: Node does not see all names
  const wanted = entriesOf(access, kafkajs);
  let present: AclEntry[];
  try {
    present = await entriesAt(admin, kafkajs);
  } catch (error) {
    if (!/authorizer|security is disabled|SECURITY_DISABLED/i.test(String(error))) throw error;
    return log('this cluster has no authorizer: everybody may write and read every topic');
  }
  const missing = wanted.filter((entry) => !present.some((other) => same(entry, other)));
  if (missing.length > 0) await admin.createAcls({ acl: missing });
  const users = new Set(wanted.map(({ principal }) => principal));
  const surplus = present.filter(
    (entry) =>
      users.has(entry.principal) &&
      (entry.resourceType === kafkajs.AclResourceTypes.GROUP || entry.resourceName in access) &&
      !wanted.some((other) => same(entry, other)),
  );
  if (surplus.length > 0) await admin.deleteAcls({ filters: surplus });
  if (missing.length + surplus.length === 0) return;
  await applied(admin, kafkajs, { missing, surplus });
  log(`rights: ${missing.length} granted, ${surplus.length} taken back`);
}

/** Brokers apply rights a moment after the controller has stored them. */
async function applied(
  admin: Admin,
  kafkajs: Kafkajs,
  { missing, surplus }: Record<'missing' | 'surplus', AclEntry[]>,
) {
  for (const started = performance.now(); performance.now() - started < APPLIED_WITHIN_MS; await sleep(50)) {
    const present = await entriesAt(admin, kafkajs);
    const has = (entry: AclEntry) => present.some((other) => same(entry, other));
    if (missing.every(has) && !surplus.some(has)) return;
  }
  throw new Error(`the broker has not applied the rights within ${APPLIED_WITHIN_MS / 1_000} s`);
}

/** To read or to write implies to describe, and a group's member reads it. */
function entriesOf(
  access: TopicAccess,
  { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes }: Kafkajs,
): AclEntry[] {
  // prettier-ignore
  const allow = (service: string, resourceType: number, resourceName: string, operation: number): AclEntry => ({
    principal: `User:${service}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    ...{ resourceType, resourceName, operation },
  });
  const entries = Object.entries(access).flatMap(([topic, { writers, readers }]) => [
    ...writers.map((service) => allow(service, AclResourceTypes.TOPIC, topic, AclOperationTypes.WRITE)),
    ...readers.map((service) => allow(service, AclResourceTypes.TOPIC, topic, AclOperationTypes.READ)),
  ]);
  const readers = new Set(Object.values(access).flatMap((topic) => topic.readers));
  return [
    ...entries,
    ...[...readers].map((service) => allow(service, AclResourceTypes.GROUP, service, AclOperationTypes.READ)),
  ];
}

async function entriesAt(admin: Admin, kafkajs: Kafkajs): Promise<AclEntry[]> {
  const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } = kafkajs;
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  return resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
    acls.map(({ principal, host, operation, permissionType }) => ({
      ...{ resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType },
    })),
  );
}

const FIELDS = ['resourceType', 'resourceName', 'resourcePatternType', 'principal', 'host', 'operation', 'permissionType'] as const; // prettier-ignore
const same = (a: AclEntry, b: AclEntry): boolean => FIELDS.every((field) => a[field] === b[field]);
