import { FACTORY_MANAGEMENT_KEY, FACTORY_PUK, managementKeyBytes } from '#libs/piv';
import { type FamilyName, type FixtureCard, FIXTURES } from '#libs/virtual-card';

/** What a person in front of such a card wants to know: what it is, its secrets, what to try, how to end. */
export function wordsOf(card: FixtureCard, { family }: { family: FamilyName }): string {
  return ['', ...about(card, family), '', ...toTry(card), '', 'Ctrl-C takes the card out and forgets it.', ''].join(
    '\n',
  );
}

function about({ name, cardNumber, pin, sample }: FixtureCard, family: FamilyName): string[] {
  if (pin === undefined) return [`${name}: ${FIXTURES[name]}`];
  const key = sample?.managementKey ?? FACTORY_MANAGEMENT_KEY.subarray(0, family === 'piv' ? 16 : 24);
  return [
    `${name}: ${FIXTURES[name]}`,
    `  card number     ${cardNumber}, like ${family}`,
    `  PIN             ${pin}${name === 'blocked' ? ' (blocked)' : ''}`,
    `  PUK             ${sample?.puk ?? FACTORY_PUK}`,
    `  management key  ${key.toString('hex')} (${CIPHERS[family]})`,
  ];
}

const CIPHERS: Record<FamilyName, string> = {
  virtual: 'AES-192',
  piv: `AES-128, ${managementKeyBytes('aes-128')} octets`,
  pivapplet: '3DES',
  yubikey: 'AES-192',
};

function toTry({ name, pin }: FixtureCard): string[] {
  if (name === 'foreign') return ['Try: opensc-tool -n    (no PIV: 6A82)'];
  return [
    'Try, in another terminal:',
    '  opensc-tool -l                         the readers',
    '  opensc-tool -n                         what kind of card OpenSC takes it for',
    '  pkcs15-tool --list-certificates        its certificates',
    '  pkcs11-tool -O                         its objects and keys',
    ...(name === 'activated'
      ? [`  pkcs11-tool --login --pin ${pin} --sign -m SHA256-RSA-PKCS --id 02 -i FILE -o FILE.sig`]
      : []),
    '  yubico-piv-tool -r Virtual -a status   its slots, and the tries left for the PIN',
    `  yubico-piv-tool -r Virtual -a verify-pin -P ${pin}`,
    '  pcsc_scan                              its ATR (package pcsc-tools)',
  ];
}
