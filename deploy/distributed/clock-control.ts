import { createServer, type Server } from 'node:http';
import { processEndpoints } from '#libs/host';

/**
 * `PUT /throwaway/clock {at}` of a throw-away instance, behind the edge: the clocks of all its processes move together.
 *
 * @param move resolves when every process and the status log live at `at`
 */
export async function clockControl(port: number, move: (at: Date) => Promise<void>): Promise<Server> {
  const readiness = async () => ({ ready: true, body: {} });
  const server = createServer(processEndpoints({ readiness, metrics: false, moveClock: move }));
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return server;
}

/** Tells each process; one that is being started again reads the clock's file by itself. */
export async function moveClocks(ports: readonly number[], at: Date): Promise<void> {
  await Promise.all(
    ports.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/throwaway/clock`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ at: at.toISOString() }),
      }).catch(() => undefined);
      if (response && response.status !== 204 && response.status !== 503) throw new Error(await response.text());
    }),
  );
}
