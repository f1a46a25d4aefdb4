import { FACTORY_MANAGEMENT_KEY, MANAGEMENT_ALGORITHMS, managementKeyBytes, SW, tlv } from '#libs/piv';
import { type Apdu, type Reply } from './apdu.js';
import { publicTemplateOf } from './card-keys.js';
import { type CardState, type Reference } from './card-state.js';
import { FAMILIES, serialOf } from './families.js';
import { factoryReferences } from './references.js';
import { type Session } from './session.js';

const PIN_POLICY: Record<number, number> = { 0x9a: 2, 0x9b: 1, 0x9c: 3, 0x9d: 2, 0x9e: 1 };
const NO_TOUCH = 1;
const MOST_TRIES = 15;

/** The makers' commands that YubiKeys and PivApplet share. Not there: FE (import of keys), F9 (attestation). */
export class VendorCommands {
  constructor(
    private readonly state: CardState,
    private readonly session: Session,
    private readonly save: () => Promise<void>,
  ) {}

  version(): Reply {
    return { sw: SW.OK, data: Buffer.from(FAMILIES[this.state.family].version) };
  }

  serial(): Reply {
    return { sw: SW.OK, data: serialOf(this.state.cardNumber, this.state.family) };
  }

  /** F7: 01 algorithm, 02 PIN and touch policy, 03 origin, 04 public key, 05 default?, 06 tries (all, left). */
  metadata({ p1, p2 }: Apdu): Reply {
    if (p1 !== 0x00) return { sw: SW.WRONG_P1P2 };
    if (p2 === 0x80) return ofReference(this.state.pin);
    if (p2 === 0x81) return ofReference(this.state.puk);
    const policy = PIN_POLICY[p2];
    if (!policy) return { sw: SW.WRONG_P1P2 };
    const policies = tlv(0x02, Buffer.of(policy, NO_TOUCH));
    if (p2 === 0x9b) {
      const { algorithm, isDefault } = this.state.management;
      const cipher = tlv(0x01, Buffer.of(MANAGEMENT_ALGORITHMS[algorithm]));
      return ok(cipher, policies, tlv(0x05, Buffer.of(Number(isDefault))));
    }
    const key = this.state.keys[p2.toString(16)];
    if (!key) return { sw: SW.REFERENCE_NOT_FOUND };
    const origin = tlv(0x03, Buffer.of(1)); // made on the card
    const publicKey = key.pkcs8 ? [tlv(0x04, publicTemplateOf(key))] : [];
    return ok(tlv(0x01, Buffer.of(key.algorithm)), policies, origin, ...publicKey);
  }

  /** FA: so many tries for the PIN (P1) and the PUK (P2), and both back to the factory's. */
  async setTries({ p1, p2, data }: Apdu): Promise<Reply> {
    if (!this.session.managed || !this.session.verified) return { sw: SW.SECURITY_STATUS };
    if (data.length > 0 || [p1, p2].some((tries) => tries < 1 || tries > MOST_TRIES)) return { sw: SW.WRONG_P1P2 };
    Object.assign(this.state, factoryReferences(p1, p2));
    this.session.forgetPin();
    await this.save();
    return { sw: SW.OK };
  }

  /** FB: all as the factory delivered it, when PIN and PUK are both blocked. */
  async reset({ p1, p2 }: Apdu): Promise<Reply> {
    if (p1 !== 0x00 || p2 !== 0x00) return { sw: SW.WRONG_P1P2 };
    if (this.state.pin.left > 0 || this.state.puk.left > 0) return { sw: SW.SECURITY_STATUS };
    Object.assign(this.state, factoryReferences(), {
      objects: {},
      keys: {},
      management: factoryManagement(this.state),
    });
    this.session.clear();
    await this.save();
    return { sw: SW.OK };
  }
}

/** Keys and objects of a card from the factory, and its management key. */
export function factoryContents({
  family,
}: Pick<CardState, 'family'>): Pick<CardState, 'objects' | 'keys' | 'management'> {
  const objects = Object.entries(FAMILIES[family].factoryObjects());
  return {
    objects: Object.fromEntries(objects.map(([tag, value]) => [tag, value.toString('base64')])),
    keys: {},
    management: factoryManagement({ family }),
  };
}

/** The key a card of this family comes with: the 24 octets everybody knows, or so many of them as its cipher takes. */
function factoryManagement({ family }: Pick<CardState, 'family'>): CardState['management'] {
  const algorithm = FAMILIES[family].managementAlgorithm;
  const key = FACTORY_MANAGEMENT_KEY.subarray(0, managementKeyBytes(algorithm));
  return { algorithm, key: key.toString('base64'), isDefault: true };
}

const ofReference = ({ isDefault, max, left }: Reference) =>
  ok(tlv(0x05, Buffer.of(Number(isDefault))), tlv(0x06, Buffer.of(max, left)));

const ok = (...elements: Buffer[]): Reply => ({ sw: SW.OK, data: Buffer.concat(elements) });
