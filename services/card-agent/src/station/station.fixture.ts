import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM, both. */
export interface Identity {
  certificate: Buffer;
  key: Buffer;
}

/** Two CAs, of stations and of their clients, a third that nobody knows, and whom they certify; made by OpenSSL. */
export class Identities {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-station-'));

  constructor() {
    for (const ca of ['stations', 'clients', 'foreign']) {
      this.openssl(`req -x509 ${NEW_KEY} -days 2 -subj /CN=${ca} -keyout ${ca}.key -out ${ca}.pem`);
    }
  }

  ca(name: 'stations' | 'clients' | 'foreign'): Buffer {
    return this.read(`${name}.pem`);
  }

  station(ca: 'stations' | 'foreign' = 'stations', address = '127.0.0.1'): Identity {
    return this.issue(`station-${ca}-${address}`, ca, `extendedKeyUsage=serverAuth\nsubjectAltName=IP:${address}`);
  }

  client(ca: 'clients' | 'stations' | 'foreign' = 'clients', days = 2): Identity {
    return this.issue(`client-${ca}-${days}`, ca, 'extendedKeyUsage=clientAuth', days);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private issue(name: string, ca: string, extensions: string, days = 2): Identity {
    writeFileSync(join(this.dir, `${name}.ext`), extensions);
    this.openssl(`req ${NEW_KEY} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`);
    this.openssl(
      `x509 -req -in ${name}.csr -CA ${ca}.pem -CAkey ${ca}.key -CAcreateserial -days ${days} -extfile ${name}.ext -out ${name}.pem`,
    );
    return { certificate: this.read(`${name}.pem`), key: this.read(`${name}.key`) };
  }

  private openssl(words: string): void {
    execFileSync('openssl', words.split(' '), { cwd: this.dir, stdio: 'ignore' });
  }

  private read(file: string): Buffer {
    return readFileSync(join(this.dir, file));
  }
}

const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';

/** A cable between both sides that can be cut, or swallow what is sent to the station. */
export class Cable {
  readonly #ends = new Set<Socket>();
  readonly #nears = new Set<Socket>();
  readonly #server;

  private constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      for (const end of [near, far]) {
        this.#ends.add(end);
        end.on('error', () => undefined).on('close', () => this.#ends.delete(end));
      }
      near.pipe(far).pipe(near);
      this.#nears.add(near);
      near.on('close', () => (this.#nears.delete(near), far.destroy()));
      far.on('close', () => near.destroy());
    });
  }

  static async to(port: number): Promise<Cable> {
    const cable = new Cable(port);
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing arrives at the station, and no end hears of it. */
  swallow(): void {
    for (const near of this.#nears) near.unpipe().resume();
  }

  cut(): void {
    for (const end of this.#ends) end.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
