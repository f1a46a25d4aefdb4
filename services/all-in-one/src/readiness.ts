import { type RunningService, type ProcessEndpointsOptions } from '#libs/host';

/** What this process says of its readiness: that of each service which has a database. */
export function readinessOf(
  services: readonly RunningService[],
  ready: (service: string) => Promise<boolean>,
): ProcessEndpointsOptions['readiness'] {
  return async () => {
    const states = await Promise.all(
      services.map(async ({ name }) => [name, (await ready(name)) ? 'ready' : 'not ready'] as const),
    );
    return {
      ready: states.every(([, state]) => state === 'ready'),
      body: { services: Object.fromEntries(states) },
    };
  };
}
