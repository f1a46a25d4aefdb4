import { X509Certificate } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCrl } from '#libs/pki';
import { ask } from './http.js';
import type { Card } from './cards.js';
import type { Address } from './instance.js';
import type { Line } from './run.js';
import { itemsOf, type World } from './world.js';

/** Writes what anybody can check without this product: certificates, lists, and what was expected and seen. */
export async function writeEvidence(
  out: string,
  { instance: { address }, cards, ocsp }: World,
  lines: readonly Line[],
): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'certs'), { recursive: true });
  await mkdir(join(out, 'crl'));
  await writeFile(join(out, 'timeline.json'), json(lines));
  await writeFile(
    join(out, 'cards.json'),
    json(cards.map(({ cardNumber, way, serials, finalStatus }) => ({ cardNumber, way, serials, finalStatus }))),
  );

  await mkdir(join(out, 'ocsp'));
  for (const { step, serial, der } of ocsp) await writeFile(join(out, 'ocsp', `${step}-${serial}.der`), der);

  let issuer: X509Certificate | undefined;
  for (const serial of cards.flatMap(downloadable)) {
    const { bytes } = await ask('GET', `${address.url}/api/v1/certificates/${serial}.pem`);
    await writeFile(join(out, 'certs', `${serial}.pem`), bytes);
    issuer ??= await issuerOf(new X509Certificate(bytes), address);
  }
  if (issuer) {
    await writeFile(join(out, 'ca.pem'), issuer.toString());
    await writeFile(join(out, 'root.pem'), (await issuerOf(issuer, address)).toString());
  }
  await writeLists(join(out, 'crl'), address);
}

/** Before acceptance there is nothing to download. */
const downloadable = ({ finalStatus, serials }: Card) => (finalStatus === 'pending' ? [] : [serials.sign, serials.enc]);

/** Follows the certificate's own AIA (RFC 5280 §4.2.2.1) as a relying party would. */
async function issuerOf(certificate: X509Certificate, address: Address): Promise<X509Certificate> {
  const uri = /CA Issuers - URI:(\S+)/.exec(certificate.infoAccess ?? '')?.[1];
  if (!uri) throw new Error(`no caIssuers in ${certificate.subject}`);
  const { bytes } = await ask('GET', address.url + new URL(uri).pathname);
  return new X509Certificate(bytes);
}

async function writeLists(dir: string, address: Address): Promise<void> {
  const lists = itemsOf(await ask('GET', `${address.url}/api/v1/crls?limit=100`));
  const index = [];
  for (const list of lists.sort((a, b) => (BigInt(String(a['number'])) < BigInt(String(b['number'])) ? -1 : 1))) {
    const number = String(list['number']);
    const file = `${number}.crl`;
    await writeFile(join(dir, file), (await ask('GET', `${address.url}/crl/archive/${file}`)).bytes);
    const crl = await readCrl(join(dir, file));
    const entries = [];
    for await (const batch of crl.batches()) entries.push(...batch.map(({ serial, reason }) => ({ serial, reason })));
    index.push({
      number: Number(number),
      kind: list['kind'],
      cut: list['cut'],
      thisUpdate: crl.thisUpdate.toISOString(),
      nextUpdate: crl.nextUpdate.toISOString(),
      file,
      entries,
    });
  }
  await writeFile(join(dir, 'index.json'), json(index));
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
