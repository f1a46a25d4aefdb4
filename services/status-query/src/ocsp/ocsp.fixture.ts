import { Integer } from 'asn1js';
import { BasicOCSPResponse, Certificate, CertID, OCSPRequest, OCSPResponse, Request } from 'pkijs';
import type { CaCertificate } from '#libs/pki';

/** A relying party's question, as pkijs writes it. */
export async function ocspRequest(issuer: CaCertificate, ...serials: string[]): Promise<Buffer> {
  const request = new OCSPRequest();
  const issuerCertificate = Certificate.fromBER(issuer.der);
  for (const serial of serials) {
    const reqCert = await CertID.create(issuerCertificate, { hashAlgorithm: 'SHA-1', issuerCertificate });
    reqCert.serialNumber = new Integer({ valueHex: Buffer.from(serial, 'hex') });
    request.tbsRequest.requestList.push(new Request({ reqCert }));
  }
  return Buffer.from(request.toSchema(true).toBER());
}

const STATUSES = ['good', 'revoked', 'unknown'] as const;
const RESPONSES = ['successful', 'malformedRequest', 'internalError', 'tryLater', '', 'sigRequired', 'unauthorized'];

export interface OcspAnswer {
  /** Of the whole answer; the rest is of successful ones. */
  status: string;
  certificates: { status: (typeof STATUSES)[number]; since?: Date; reason?: number }[];
  thisUpdate?: Date;
}

interface Element {
  idBlock: { tagNumber: number };
  valueBlock: { value: Element[]; valueDec: number };
  toDate(): Date;
}

/** An answer as pkijs reads it. */
export function readOcspAnswer(der: Uint8Array): OcspAnswer {
  const response = OCSPResponse.fromBER(der);
  const status = RESPONSES[response.responseStatus.valueBlock.valueDec]!;
  if (!response.responseBytes) return { status, certificates: [] };
  const { responses } = BasicOCSPResponse.fromBER(
    response.responseBytes.response.valueBlock.valueHexView,
  ).tbsResponseData;
  return {
    status,
    thisUpdate: responses[0]!.thisUpdate,
    certificates: responses.map(({ certStatus }) => {
      const element = certStatus as unknown as Element;
      const kind = STATUSES[element.idBlock.tagNumber]!;
      if (kind !== 'revoked') return { status: kind };
      const [since, reason] = element.valueBlock.value;
      return { status: kind, since: since!.toDate(), reason: reason?.valueBlock.value[0]!.valueBlock.valueDec };
    }),
  };
}
