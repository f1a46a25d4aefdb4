import type { BaseStringBlock } from 'asn1js';
import type { Certificate, RelativeDistinguishedNames } from 'pkijs';
import type { CertificateParams } from './certificate.js';
import type { Name } from './names.js';
import type { Profile } from './profiles.js';

const UTF8_STRING = 12;
const PRINTABLE_STRING = 19;

/** In the order they must stand in, with universal tag and most characters. Not the encoder's table, on purpose. */
const ATTRIBUTES: { type: string; field: keyof Name; tag: number; most: number }[] = [
  { type: '2.5.4.6', field: 'C', tag: PRINTABLE_STRING, most: 2 },
  { type: '2.5.4.7', field: 'L', tag: UTF8_STRING, most: 128 },
  { type: '2.5.4.10', field: 'O', tag: UTF8_STRING, most: 64 },
  { type: '2.5.4.11', field: 'OU', tag: UTF8_STRING, most: 64 },
  { type: '2.5.4.3', field: 'CN', tag: UTF8_STRING, most: 64 },
  { type: '2.5.4.5', field: 'serialNumber', tag: PRINTABLE_STRING, most: 64 },
];

export function nameProblems(certificate: Certificate, profile: Profile, params: CertificateParams): string[] {
  const subject = Buffer.from(certificate.subject.valueBeforeDecode);
  const issuer = params.issuer === 'self' ? subject : params.issuer.nameDer;
  const problems = attributeProblems(certificate.subject, params.subject);
  if (!Buffer.from(certificate.issuer.valueBeforeDecode).equals(issuer)) problems.push('another issuer');
  const fields = (Object.keys(params.subject) as (keyof Name)[]).filter((f) => params.subject[f] !== undefined);
  const { required, optional } = profile.subject;
  for (const field of required) if (!fields.includes(field)) problems.push(`no ${field}`);
  for (const field of fields) {
    if (!required.includes(field) && !optional.includes(field)) problems.push(`${field} is not in the profile`);
  }
  return problems;
}

function attributeProblems(name: RelativeDistinguishedNames, wanted: Name): string[] {
  const problems: string[] = [];
  const found = name.typesAndValues.map(({ type, value }) => ({ type, value: value as BaseStringBlock }));
  const expected = ATTRIBUTES.filter(({ field }) => wanted[field] !== undefined);
  if (found.map(({ type }) => type).join() !== expected.map(({ type }) => type).join()) {
    return ['the attributes of the subject, or their order'];
  }
  expected.forEach(({ field, tag, most }, i) => {
    const { value } = found[i]!;
    const text = Buffer.from(value.valueBlock.valueHexView).toString('utf8');
    if (value.idBlock.tagNumber !== tag) problems.push(`${field} is of string type ${value.idBlock.tagNumber}`);
    if (text !== wanted[field]) problems.push(`another ${field}`);
    if ([...text].length > most) problems.push(`${field} has more than ${most} characters`);
    if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) problems.push(`${field} has a control, invisible or private-use character`);
  });
  return problems;
}
