import { sleep } from '#libs/clock';
import { MailServer } from '../../services/issuance/src/notices/mail-server.fixture.js';

const PATIENCE_MS = 15_000;

/** The contacts' mail, on a real mail server. */
export class Mailbox {
  #read = 0;

  private constructor(private readonly server: MailServer) {}

  static async open(): Promise<Mailbox> {
    return new Mailbox(await MailServer.start());
  }

  /** By which an instance sends its mail here. */
  get env(): NodeJS.ProcessEnv {
    return { KAIKA_SMTP_URL: this.server.url, KAIKA_MAIL_FROM: 'centre@kaika.example' };
  }

  /** The one-time code of the next mail to this address that has one. */
  async codeFor(address: string): Promise<string> {
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await sleep(20)) {
      while (this.#read < this.server.mails.length) {
        const { to, text } = this.server.mails[this.#read++]!;
        const code = to === address && /One-time code: (\d{8})/.exec(text)?.[1];
        if (code) return code;
      }
    }
    throw new Error(`no one-time code came for ${address}`);
  }

  /** The subjects of the first so many mails to an address, when they have come. */
  async subjectsTo(address: string, count: number): Promise<string[]> {
    return (await this.server.to(address, count)).map(({ subject }) => subject);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
