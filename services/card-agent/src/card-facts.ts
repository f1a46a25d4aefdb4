import { X509Certificate } from 'node:crypto';
import { AltName, Certificate, SubjectDirectoryAttributes } from 'pkijs';
import { CaError } from '#libs/errors';
import { type PivCard, sha256 } from '#libs/piv';

const COMMON_NAME = '2.5.4.3';
const SERIAL_NUMBER = '2.5.4.5';
const ORGANIZATION = '2.5.4.10';
const ORGANIZATIONAL_UNIT = '2.5.4.11';
const SUBJECT_ALT_NAME = '2.5.29.17';
const DIRECTORY_ATTRIBUTES = '2.5.29.9';
const UNIFIED_BUSINESS_NUMBER = '2.16.886.1.100.2.101';
const RFC822_NAME = 1;
const URI = 6;

export interface CertificateFacts {
  /** 32 upper-case hex digits */
  serial: string;
  notBefore: Date;
  notAfter: Date;
}

/** What a page shows of a card (讀取卡片資料). All of it is what the card says: only its proof is evidence. */
export interface CardFacts {
  cardNumber: string;
  cardUuid: string;
  name: string;
  branch?: string;
  ubn?: string;
  email?: string;
  signature: CertificateFacts;
  encryption: CertificateFacts;
  /** Whose the other certificate is; the same, on a card that is in order */
  encryptionHolder: { name?: string; ubn?: string };
}

/** A card as it was read: its facts, and what its proof is made of. */
export interface CardReading {
  facts: CardFacts;
  signatureCertificate: Buffer;
  encryptionCertificate: Buffer;
  cardCertificate: Buffer;
  signatureCertificateSha256: Buffer;
  encryptionCertificateSha256: Buffer;
}

/** @throws CaError unknownCardKind for a card that is not laid out as ours are (不明連接卡) */
export async function readCard(card: PivCard): Promise<CardReading> {
  const [signature, encryption, presence] = [
    await card.readCertificate('9C'),
    await card.readCertificate('9D'),
    await card.readCertificate('9E'),
  ];
  const chuid = await card.chuid();
  if (!signature || !encryption || !presence || !chuid) throw unknown('it lacks a certificate or its CHUID');
  const facts = factsOf(signature, encryption, presence);
  if (facts.cardUuid !== chuid.cardUuid) throw unknown('its CHUID is another card’s');
  return {
    facts,
    signatureCertificate: signature,
    encryptionCertificate: encryption,
    cardCertificate: presence,
    signatureCertificateSha256: sha256(signature),
    encryptionCertificateSha256: sha256(encryption),
  };
}

function factsOf(signature: Buffer, encryption: Buffer, presence: Buffer): CardFacts {
  try {
    const [business, own] = [Certificate.fromBER(signature), Certificate.fromBER(presence)];
    const other = Certificate.fromBER(encryption);
    const cardNumber = nameOf(own, COMMON_NAME);
    const cardUuid = altName(own, URI)
      ?.replace(/^urn:uuid:/, '')
      .toLowerCase();
    const name = nameOf(business, ORGANIZATION);
    if (!cardNumber || !cardUuid || !name) throw unknown('a certificate does not say whose it is');
    return {
      ...{ cardNumber, cardUuid, name },
      branch: nameOf(business, ORGANIZATIONAL_UNIT),
      ubn: businessNumber(business) ?? nameOf(business, SERIAL_NUMBER),
      email: altName(business, RFC822_NAME),
      signature: certificateFacts(signature),
      encryption: certificateFacts(encryption),
      encryptionHolder: {
        name: nameOf(other, ORGANIZATION),
        ubn: businessNumber(other) ?? nameOf(other, SERIAL_NUMBER),
      },
    };
  } catch (cause) {
    throw cause instanceof CaError
      ? cause
      : new CaError('unknownCardKind', 'a certificate is unreadable', {}, { cause });
  }
}

function certificateFacts(der: Buffer): CertificateFacts {
  const { notBefore, notAfter } = Certificate.fromBER(der);
  const serial = new X509Certificate(der).serialNumber.toUpperCase().padStart(32, '0');
  return { serial, notBefore: notBefore.value, notAfter: notAfter.value };
}

function nameOf({ subject }: Certificate, type: string): string | undefined {
  return (subject.typesAndValues.find((part) => part.type === type)?.value.valueBlock as { value?: string })?.value;
}

function extensionOf({ extensions = [] }: Certificate, type: string): unknown {
  return extensions.find(({ extnID }) => extnID === type)?.parsedValue;
}

function altName(certificate: Certificate, type: number): string | undefined {
  const extension = extensionOf(certificate, SUBJECT_ALT_NAME);
  if (!(extension instanceof AltName)) return undefined;
  return extension.altNames.find((name) => name.type === type)?.value as string | undefined;
}

function businessNumber(certificate: Certificate): string | undefined {
  const extension = extensionOf(certificate, DIRECTORY_ATTRIBUTES);
  if (!(extension instanceof SubjectDirectoryAttributes)) return undefined;
  const attribute = extension.attributes.find(({ type }) => type === UNIFIED_BUSINESS_NUMBER);
  return (attribute?.values[0] as { valueBlock?: { value?: string } } | undefined)?.valueBlock?.value;
}

const unknown = (why: string) => new CaError('unknownCardKind', `this card is not one of ours: ${why}`);
