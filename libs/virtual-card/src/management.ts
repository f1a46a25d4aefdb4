import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  cryptBlock,
  MANAGEMENT_ALGORITHMS,
  type ManagementAlgorithm,
  managementBlockBytes,
  managementKeyBytes,
  SW,
  tlv,
} from '#libs/piv';
import { type Apdu, element, type Reply } from './apdu.js';
import { type CardState } from './card-state.js';
import { FAMILIES } from './families.js';
import { type Session } from './session.js';

const [WITNESS, CHALLENGE, RESPONSE] = [0x80, 0x81, 0x82];

/**
 * The card management key (9B): GENERAL AUTHENTICATE in two steps (SP 800-73-5 part 2, appendix A.1 and A.2) and the
 * makers' SET MANAGEMENT KEY. A witness or challenge is good for one try, by the very next command.
 */
export class Management {
  constructor(
    private readonly state: CardState,
    private readonly session: Session,
    private readonly save: () => Promise<void>,
  ) {}

  authenticate({ p1, data }: Apdu): Reply {
    const pending = this.session.pending;
    this.session.pending = undefined;
    const { algorithm } = this.state.management;
    if (p1 !== MANAGEMENT_ALGORITHMS[algorithm]) return { sw: SW.WRONG_P1P2 };
    const template = element(data, 0x7c);
    if (!template) return { sw: SW.WRONG_DATA };
    const [witness, challenge, response] = [WITNESS, CHALLENGE, RESPONSE].map((tag) => element(template, tag));

    if (witness?.length === 0 && !challenge && !response) return this.begin('witness');
    if (challenge?.length === 0 && !witness && !response) return this.begin('challenge');
    if (pending?.kind === 'challenge' && response && !witness && !challenge) {
      return { sw: this.judge(response, cryptBlock('encrypt', algorithm, this.key, pending.value)) };
    }
    // OpenSC and yubico-piv-tool leave the empty response out, and cards do not mind.
    const asked = !response || response.length === 0;
    if (pending?.kind !== 'witness' || !witness || challenge?.length !== managementBlockBytes(algorithm) || !asked) {
      return { sw: SW.WRONG_DATA };
    }
    const sw = this.judge(witness, pending.value);
    if (sw !== SW.OK) return { sw };
    return { sw, data: tlv(0x7c, tlv(RESPONSE, cryptBlock('encrypt', algorithm, this.key, challenge))) };
  }

  /** FF: cipher, 9B, length, key. */
  async set({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0xff || p2 !== 0xff) return { sw: SW.WRONG_P1P2 };
    if (!this.session.managed) return { sw: SW.SECURITY_STATUS };
    const [id, reference, length] = data;
    const algorithm = (Object.keys(MANAGEMENT_ALGORITHMS) as ManagementAlgorithm[]).find(
      (name) => MANAGEMENT_ALGORITHMS[name] === id,
    );
    const key = data.subarray(3);
    const fits = algorithm && length === key.length && key.length === managementKeyBytes(algorithm);
    if (!fits || reference !== 0x9b) return { sw: SW.WRONG_DATA };
    this.state.management = { algorithm, key: key.toString('base64'), isDefault: false };
    await this.save();
    return { sw: SW.OK };
  }

  /** A witness goes out encrypted and must come back in clear, a challenge the other way round. */
  private begin(kind: 'witness' | 'challenge'): Reply {
    const { algorithm } = this.state.management;
    const value = randomBytes(managementBlockBytes(algorithm));
    this.session.pending = { kind, value };
    if (kind === 'challenge') return { sw: SW.OK, data: tlv(0x7c, tlv(CHALLENGE, value)) };
    return { sw: SW.OK, data: tlv(0x7c, tlv(WITNESS, cryptBlock('encrypt', algorithm, this.key, value))) };
  }

  private judge(given: Buffer, expected: Buffer): number {
    this.session.managed = given.length === expected.length && timingSafeEqual(given, expected);
    return this.session.managed ? SW.OK : FAMILIES[this.state.family].wrongManagementKey;
  }

  private get key(): Buffer {
    return Buffer.from(this.state.management.key, 'base64');
  }
}
