import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Front } from './front.js';

interface Answer {
  status: number;
  connection: string | undefined;
  text: string;
}

/** One request, over the agent's connections. */
const ask = (port: number, path: string, agent: Agent) =>
  new Promise<Answer>((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done({ status: response.statusCode!, connection: response.headers.connection, text }));
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.end();
  });

const own = {
  paths: ['/healthz'],
  listener: (_request: IncomingMessage, response: ServerResponse) => void response.end('alive'),
};

describe('a port', () => {
  const agents: Agent[] = [];
  const keepAlive = () => agents[agents.push(new Agent({ keepAlive: true })) - 1]!;
  afterEach(() => agents.splice(0).forEach((agent) => agent.destroy()));

  it('answers the process’s own paths at once, and others when the application is there', async () => {
    const front = new Front(own);
    const port = await front.listen(0, '127.0.0.1');
    const agent = keepAlive();
    expect(front.state).toBe('starting');
    expect((await ask(port, '/healthz', agent)).text).toBe('alive');
    const starting = await ask(port, '/api', agent);
    expect(starting.status).toBe(503);
    expect(JSON.parse(starting.text)).toMatchObject({ type: 'urn:kaika:error:starting' });
    front.open((_request, response) => void response.end('application'));
    expect(front.state).toBe('serving');
    expect((await ask(port, '/api?x', agent)).text).toBe('application');
    expect((await ask(port, '/healthz?x', agent)).text).toBe('alive');
    await front.close();
    expect(front.state).toBe('stopping');
  });

  it('is closed without cutting a request: not one that waits, not one whose answer has begun', async () => {
    const front = new Front(own);
    const port = await front.listen(0, '127.0.0.1');
    const under: ServerResponse[] = [];
    const arrived = new Promise<void>((done) => {
      front.open((incoming, response) => {
        if (incoming.url === '/begun') response.write('half ');
        if (under.push(response) === 2) done();
      });
    });
    const idle = keepAlive();
    await ask(port, '/healthz', idle); // its connection stays open
    const silent = connect(port, '127.0.0.1').on('error', () => {});
    await once(silent, 'connect'); // no request ever comes on this one
    const waiting = ask(port, '/waiting', keepAlive());
    const begun = ask(port, '/begun', keepAlive());
    await arrived;

    const closing = front.close();
    await expect(ask(port, '/healthz', new Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    for (const response of under) response.end('done');
    expect(await waiting).toEqual({ status: 200, connection: 'close', text: 'done' });
    expect(await begun).toMatchObject({ status: 200, text: 'half done' });
    await closing;
    silent.destroy();
  });

  it('says what is wrong with port or address', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    await expect(new Front(own).listen(port, '127.0.0.1')).rejects.toThrow(`port ${port} is in use: stop what uses it, or set PORT`); // prettier-ignore
    await expect(new Front(own).listen(0, '192.0.2.1')).rejects.toThrow('no address 192.0.2.1: set KAIKA_HOST');
    other.close();
  });
});
