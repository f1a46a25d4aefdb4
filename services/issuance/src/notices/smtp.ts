import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { createTransport } from 'nodemailer';
import type { Hotline } from '#libs/config';

const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;

export interface MailSettings {
  /** `KAIKA_SMTP_URL`: `smtp://[user@]host[:port]`, or `smtps://` for TLS from the first octet. Never with a password. */
  smtpUrl: string;
  /** `KAIKA_SMTP_PASSWORD_FILE`: the user's. */
  password: string | undefined;
  /** `KAIKA_SMTP_CA_FILE` (PEM): who vouches for the server's certificate, beside the public CAs. */
  ca: string | undefined;
  /** `KAIKA_MAIL_FROM`: address of the sender. */
  from: string;
  hotlines: readonly Hotline[];
}

export interface Mail {
  /** Stays the same when it is sent again, so that a reader's program can tell. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly date: Date;
}

/** What became of one mail. `later`: this one has a problem; `unreachable`: none can be sent now. */
export type Delivery =
  | { outcome: 'sent' }
  | {
      outcome: 'refused' | 'later' | 'unreachable';
      /** A code, never the server's words: they repeat the address. */ problem: string;
    };

/** Sends mails one at a time, each on its own connection. A user's password is sent under TLS only. */
export class SmtpTransport {
  readonly #transport;

  constructor(private readonly settings: MailSettings) {
    const { protocol, hostname, port, username } = new URL(settings.smtpUrl);
    const secure = protocol === 'smtps:';
    this.#transport = createTransport({
      ...{ host: hostname.replace(/^\[|\]$/g, ''), secure, ...(port !== '' && { port: Number(port) }) },
      ...(username !== '' && {
        requireTLS: !secure,
        auth: { user: decodeURIComponent(username), pass: settings.password ?? '' },
      }),
      ...{
        connectionTimeout: CONNECT_MS,
        greetingTimeout: CONNECT_MS,
        dnsTimeout: CONNECT_MS,
        socketTimeout: SILENCE_MS,
      },
      ...(settings.ca !== undefined && { tls: { ca: [...rootCertificates, settings.ca] } }),
      ...{ disableFileAccess: true, disableUrlAccess: true, logger: false },
    });
  }

  /** Never rejects. */
  async send({ id, to, subject, text, date }: Mail): Promise<Delivery> {
    const { from } = this.settings;
    const messageId = `<${id.replace(/[^\w.-]/g, '-')}@${from.slice(from.lastIndexOf('@') + 1)}>`;
    try {
      // RFC 3834 §5: nobody's automatic answer comes back.
      const headers = { 'Auto-Submitted': 'auto-generated' };
      const message = { from, to: { name: '', address: to }, subject, text, textEncoding: 'base64' as const };
      await this.#transport.sendMail({ ...message, date, messageId, headers });
      return { outcome: 'sent' };
    } catch (error) {
      return classify(error as { code?: string; responseCode?: number });
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** A recipient whom the server refuses for good is refused; another answer to this mail may change; the rest is the server. */
function classify({ code = 'UNKNOWN', responseCode }: { code?: string; responseCode?: number }): Delivery {
  const problem = responseCode === undefined ? code : `${code} ${responseCode}`;
  if (code === 'EENVELOPE') return { outcome: (responseCode ?? 500) >= 500 ? 'refused' : 'later', problem };
  if (code === 'EMESSAGE') return { outcome: 'later', problem };
  return { outcome: 'unreachable', problem };
}

/** Without the line end at its end. @throws Error naming the file */
export function readText(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readFileSync(path, 'utf8').replace(/\r?\n$/, '');
}
