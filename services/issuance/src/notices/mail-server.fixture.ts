import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { sleep } from '#libs/clock';

export interface ReceivedMail {
  to: string;
  subject: string;
  text: string;
  /** As it came, headers in front. */
  raw: string;
  header(name: string): string | undefined;
}

/** A real mail server on a port of its own, that keeps what it gets and refuses what it is told to refuse. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** Answers to RCPT TO, by address: 451, 550, … */
  readonly refused = new Map<string, number>();
  users: string[] = [];
  #server!: SMTPServer;
  #port = 0;

  private constructor(private readonly options: SMTPServerOptions) {}

  static async start(options: SMTPServerOptions = { disabledCommands: ['STARTTLS', 'AUTH'] }): Promise<MailServer> {
    const server = new MailServer(options);
    await server.listen();
    return server;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.#port}`;
  }

  /** On the port it had before, if any. */
  async listen(): Promise<void> {
    this.#server = new SMTPServer({
      logger: false,
      authOptional: true,
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refused.get(address);
        done(code ? Object.assign(new Error(`no <${address}> here`), { responseCode: code }) : null);
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address).join();
          this.mails.push(parse(to, Buffer.concat(chunks).toString()));
          if (session.user) this.users.push(String(session.user));
          done();
        });
      },
      ...this.options,
    });
    this.#server.on('error', () => undefined);
    await new Promise<void>((done) => this.#server.listen(this.#port, '127.0.0.1', done));
    this.#port = (this.#server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((done) => this.#server.close(done));
  }

  /** The first so many mails to an address, when they have come. */
  async to(address: string, count = 1): Promise<ReceivedMail[]> {
    const mails = () => this.mails.filter((mail) => mail.to === address);
    for (let tries = 0; mails().length < count; tries += 1) {
      if (tries === 500) throw new Error(`${mails().length} of ${count} mails came`);
      await sleep(20);
    }
    return mails();
  }
}

function parse(to: string, raw: string): ReceivedMail {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.slice(0, end).replace(/\r\n[ \t]/g, ' ');
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim();
  const text = Buffer.from(raw.slice(end), 'base64').toString();
  return { to, subject: decodeWords(header('Subject') ?? ''), text, raw, header };
}

/** RFC 2047 encoded words, as nodemailer writes them. */
function decodeWords(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_whole, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString()
        : decodeURIComponent(word.replace(/_/g, ' ').replace(/=/g, '%')),
    );
}
