import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { readCertificate } from '#libs/pki';

export type OcspStatus = 'good' | 'unknown' | `revoked/${number}` | 'no answer';

/** A request for one serial, SHA-256 CertID (RFC 6960 §4.1.1), as a relying party would make it. */
export async function ocspRequest(issuer: Buffer, serial: string): Promise<Buffer> {
  const { nameDer, publicKey } = readCertificate(issuer);
  const sha256 = (octets: Uint8Array) =>
    new asn1js.OctetString({ valueHex: new Uint8Array(createHash('sha256').update(octets).digest()).buffer });
  const spki = asn1js.fromBER(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })))
    .result as asn1js.Sequence;
  const keyBits = (spki.valueBlock.value[1] as asn1js.BitString).valueBlock.valueHexView;
  const reqCert = new pkijs.CertID({
    hashAlgorithm: new pkijs.AlgorithmIdentifier({
      algorithmId: '2.16.840.1.101.3.4.2.1',
      algorithmParams: new asn1js.Null(),
    }),
    issuerNameHash: sha256(nameDer),
    issuerKeyHash: sha256(keyBits),
    serialNumber: new asn1js.Integer({ valueHex: new Uint8Array(Buffer.from(serial, 'hex')).buffer }),
  });
  const request = new pkijs.OCSPRequest();
  request.tbsRequest.requestList = [new pkijs.Request({ reqCert })];
  return Buffer.from(request.toSchema(true).toBER());
}

/** What an answer of one certificate says; `no answer` for tryLater and the like. Its signature is openssl's business. */
export function ocspStatus(der: Buffer): OcspStatus {
  const response = pkijs.OCSPResponse.fromBER(new Uint8Array(der));
  if (!response.responseBytes) return 'no answer';
  const basic = pkijs.BasicOCSPResponse.fromBER(response.responseBytes.response.valueBlock.valueHexView);
  const status = basic.tbsResponseData.responses[0]!.certStatus as asn1js.Constructed;
  if (status.idBlock.tagNumber === 0) return 'good';
  if (status.idBlock.tagNumber === 2) return 'unknown';
  const [reason] = (status.valueBlock.value[1] as asn1js.Constructed).valueBlock.value as [asn1js.Enumerated];
  return `revoked/${reason.valueBlock.valueDec}`;
}
