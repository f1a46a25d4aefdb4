import { toWholeSeconds, type Clock } from '#libs/clock';
import type { Authority } from './authority.js';
import { verifyCrl } from './crl-reader.js';
import { writeCrl } from './crl-writer.js';

/** Within the six months of DOMAIN.md §3. */
export const ROOT_CRL_DAYS = 180;
/** Half its life is left for whoever has to open the root's key. */
const RENEW_DAYS = 90;
const DAY_MS = 86_400_000;

/**
 * Signs the root's next list, empty like the one before, once that has less than 90 days to go. For whoever has the
 * root's key: a ceremony, or the embedded default at each start. The file is replaced whole.
 *
 * @returns whether there is a new list
 * @throws CaError crlMalformed | crlSignature when the present file is not the root's; signerUnavailable
 */
export async function renewRootCrl({ root, rootCrlFile }: Authority, clock: Clock): Promise<boolean> {
  const { list } = await verifyCrl(rootCrlFile, root.der);
  if (list.nextUpdate.getTime() - clock.nowMs() >= RENEW_DAYS * DAY_MS) return false;
  const thisUpdate = toWholeSeconds(clock.now());
  const nextUpdate = new Date(thisUpdate.getTime() + ROOT_CRL_DAYS * DAY_MS);
  const number = list.number + 1n;
  await writeCrl({
    signer: await root.signer(),
    issuer: root,
    number,
    thisUpdate,
    nextUpdate,
    entries: [],
    file: rootCrlFile,
  });
  return true;
}
