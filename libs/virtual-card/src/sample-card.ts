import { generateKeyPairSync, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import {
  buildCcc,
  buildChuid,
  type CardAlgorithm,
  FACTORY_MANAGEMENT_KEY,
  FACTORY_PUK,
  managementKeyBytes,
  OBJECT,
  PivCard,
} from '#libs/piv';
import { buildTbs, keyIdentifier, newSerial, PROFILES, signTbs, SoftwareSigner, spkiOf, type Issuer } from '#libs/pki';
import { FAMILIES } from './families.js';
import { type CardOptions, type VirtualCardStore } from './virtual-card-store.js';

export interface SampleCard {
  cardNumber: string;
  cardUuid: string;
  transportPin: string;
  puk: string;
  managementKey: Buffer;
  signatureCertificate: Buffer;
  encryptionCertificate: Buffer;
  cardCertificate: Buffer;
}

export interface SampleOptions extends CardOptions {
  transportPin?: string;
  /** The factory's unless said. */
  puk?: string;
  /** Of 9C, and of 9D alike; P-256 unless said: making RSA keys takes a second */
  signatureKey?: CardAlgorithm;
  name?: string;
  ubn?: string;
  email?: string;
}

const NOT_BEFORE = new Date('2026-01-01T00:00:00Z');
const NOT_AFTER = new Date('2030-12-31T15:59:59Z');

/**
 * A personalised card for tests, with a management key of its own, of a made-up company, its certificates signed by a key nobody keeps.
 * With P-256 the certificate in 9D is of the signature profile, as encryption knows RSA only.
 */
export async function sampleCard(
  store: VirtualCardStore,
  cardNumber: string,
  options: SampleOptions = {},
): Promise<SampleCard> {
  const {
    transportPin = '24681357',
    puk = FACTORY_PUK,
    signatureKey = 'p-256',
    name = '光年測試股份有限公司',
  } = options;
  const cardUuid = randomUUID();
  const { managementAlgorithm: algorithm, vendorCommands } = FAMILIES[options.family ?? 'virtual'];
  const managementKey = randomBytes(managementKeyBytes(algorithm));
  // A bare PIV card has no command for it: such a one comes from its maker with its own key.
  const fromMaker = vendorCommands ? {} : { management: { algorithm, key: managementKey } };
  await store.create(cardNumber, { ...options, ...fromMaker });
  const connection = await store.open(cardNumber);
  const card = await PivCard.select(connection);
  await card.authenticateManagement(vendorCommands ? FACTORY_MANAGEMENT_KEY : managementKey);
  const keys = {
    '9C': await card.generateKey('9C', signatureKey),
    '9D': await card.generateKey('9D', signatureKey),
    '9E': await card.generateKey('9E', 'p-256'),
  };
  const { ubn = '12345675', email } = options;
  const business = { subject: { C: 'TW', O: name }, ubn, email, subjectType: '2.16.886.1.100.3.2' };
  const issue = newIssuer();
  const certificates = {
    '9C': await issue('businessCardSignature', keys['9C'], business),
    '9D': await issue(
      signatureKey === 'p-256' ? 'businessCardSignature' : 'businessCardEncryption',
      keys['9D'],
      business,
    ),
    '9E': await issue('cardAuthentication', keys['9E'], { subject: { CN: cardNumber }, cardUuid }),
  };
  await card.putObject(OBJECT.CHUID, buildChuid(cardUuid, NOT_AFTER));
  await card.putObject(OBJECT.CCC, buildCcc());
  for (const slot of ['9C', '9D', '9E'] as const) await card.putCertificate(slot, certificates[slot]);
  await card.setInitialPin(transportPin);
  if (puk !== FACTORY_PUK) await card.setInitialPuk(puk);
  if (vendorCommands) await card.setManagementKey(managementKey);
  await connection.close();
  return {
    ...{ cardNumber, cardUuid, transportPin, puk, managementKey },
    signatureCertificate: certificates['9C'],
    encryptionCertificate: certificates['9D'],
    cardCertificate: certificates['9E'],
  };
}

type IssueParams = Pick<Parameters<typeof buildTbs>[1], 'subject' | 'ubn' | 'email' | 'subjectType' | 'cardUuid'>;

function newIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const signer = new SoftwareSigner(privateKey);
  const issuer: Issuer = {
    nameDer: Buffer.from('300f310d300b06035504030c0474657374', 'hex'), // CN=test
    ski: keyIdentifier(spkiOf(publicKey)),
    notAfter: NOT_AFTER,
    publicKey,
    urls: { crl: [] },
  };
  return async (profile: keyof typeof PROFILES, key: KeyObject, params: IssueParams) => {
    const tbs = buildTbs(PROFILES[profile], {
      ...params,
      ...{ serial: newSerial(), issuer, publicKey: key, notBefore: NOT_BEFORE, notAfter: NOT_AFTER },
    });
    return signTbs(tbs, signer);
  };
}
