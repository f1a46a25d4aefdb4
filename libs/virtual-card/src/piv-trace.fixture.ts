/** One exchange with a real PIV applet: what was asked, and the status word it gave. */
export interface Exchange {
  step: string;
  apdu: string;
  sw: string;
  /** How the answer's data begins, where it does not depend on keys. */
  data?: string;
  /** So many octets of data come in this answer. */
  bytes?: number;
}

/** Up to the name of the applet, whose last letters tell how it was built. */
const SELECTED = `6181794F0BA00000030800001000010079074F05A00000030850185069764170706C6574`;
const DIGEST = '3153303223AF122F8153E8356CB390FE33467E2E53E9C0F09E2BD1B0F4F572B6';
const sign = (slot: string) => `008711${slot}267C2482008120${DIGEST}00`;
const PADDED = `0001${'FF'.repeat(202)}003031300D060960864801650304020105000420${DIGEST}`;

/**
 * A recorded session with PivApplet 0.9.0 behind a PC/SC reader (PIN 123456, PUK 12345678, five tries, 3DES 9B key
 * 0102…08 three times), in the order it took place: every line of it. What depends on keys is given by its beginning and
 * length; the object written is made up, of the recorded length. Between the two lists 9B is authenticated.
 */
export const BEFORE_9B: Exchange[] = [
  { step: 'SELECT, version left out', apdu: '00A4040009A0000003080000100000', sw: '9000', data: SELECTED, bytes: 124 },
  { step: 'SELECT', apdu: '00A404000BA00000030800001000010000', sw: '9000', data: SELECTED, bytes: 124 },
  {
    step: 'GET DATA discovery',
    apdu: '00CB3FFF035C017E00',
    sw: '9000',
    data: '7E124F0BA0000003080000100001005F2F024000',
  },
  {
    step: 'GET DATA CHUID',
    apdu: '00CB3FFF055C035FC10200',
    sw: '9000',
    data: `533B3019${'00'.repeat(25)}3410`,
    bytes: 61,
  },
  { step: 'GET DATA of an absent certificate', apdu: '00CB3FFF055C035FC10500', sw: '6A82' },
  { step: 'VERIFY without data, Le', apdu: '0020008000', sw: '63C5' },
  { step: 'VERIFY without data', apdu: '00200080', sw: '63C5' },
  { step: 'VERIFY a wrong PIN', apdu: '0020008008313131313131FFFF', sw: '63C4' },
  { step: 'GET METADATA of the PIN', apdu: '00F7008000', sw: '9000', data: '05010106020504', bytes: 7 },
  { step: 'GET SERIAL', apdu: '00F8000000', sw: '9000', bytes: 4 },
  { step: 'PUT DATA without 9B', apdu: '00DB3FFF0A5C035FC1055303700100', sw: '6982' },
];

export const WITH_9B: Exchange[] = [
  { step: 'GENERATE 9E P-256', apdu: '0047009E05AC0380011100', sw: '9000', data: '7F4943864104', bytes: 70 },
  { step: 'GENERATE 9C P-256', apdu: '0047009C05AC0380011100', sw: '9000', data: '7F4943864104', bytes: 70 },
  { step: 'GENERATE 9A RSA', apdu: '0047009A05AC0380010700', sw: '610F', data: '7F49820109818201', bytes: 255 },
  { step: 'GET RESPONSE', apdu: '00C000000F', sw: '9000', bytes: 15 },
  { step: 'sign with 9E, no PIN', apdu: sign('9E'), sw: '9000', data: '7C' },
  { step: 'sign with 9C, no PIN', apdu: sign('9C'), sw: '6982' },
  { step: 'CHANGE to letters', apdu: '0024008010313233343536FFFF4162233132333435', sw: '6A80' },
  { step: 'CHANGE to five digits', apdu: '0024008010313233343536FFFF3132333435FFFFFF', sw: '6A80' },
  { step: 'CHANGE', apdu: '0024008010313233343536FFFF373635343332FFFF', sw: '9000' },
  { step: 'VERIFY the new PIN', apdu: '0020008008373635343332FFFF', sw: '9000' },
  { step: 'sign with 9C', apdu: sign('9C'), sw: '9000', data: '7C' },
  { step: 'sign with 9C again', apdu: sign('9C'), sw: '6982' },
];

const OBJECT_BYTES = 1_209;
const object = `5C035FC10A538204B9${'A7'.repeat(OBJECT_BYTES)}`;
const link = (n: number) => object.slice(n * 510, (n + 1) * 510);

export const OBJECT_AND_RSA: Exchange[] = [
  ...[0, 1, 2, 3].map((n) => ({ step: `PUT DATA, link ${n}`, apdu: `10DB3FFFFF${link(n)}`, sw: '9000' })),
  { step: 'PUT DATA, last link', apdu: `00DB3FFFC6${link(4)}`, sw: '9000' },
  { step: 'GET DATA', apdu: '00CB3FFF055C035FC10A00', sw: '61FF', data: '538204B9A7', bytes: 255 },
  { step: 'GET RESPONSE', apdu: '00C00000FF', sw: '61FF', bytes: 255 },
  { step: 'GET RESPONSE', apdu: '00C00000FF', sw: '61FF', bytes: 255 },
  { step: 'GET RESPONSE', apdu: '00C00000FF', sw: '61C1', bytes: 255 },
  { step: 'GET RESPONSE, the last', apdu: '00C00000C1', sw: '9000', bytes: 193 },
  { step: 'VERIFY', apdu: '0020008008373635343332FFFF', sw: '9000' },
  { step: 'sign with 9A RSA, link', apdu: `1087079AFF7C820106820081820100${PADDED.slice(0, 490)}`, sw: '9000' },
  { step: 'sign with 9A RSA', apdu: `0087079A0B${PADDED.slice(-22)}00`, sw: '6109', data: '7C82010482820100' },
  { step: 'GET RESPONSE', apdu: '00C0000009', sw: '9000', bytes: 9 },
];

export const COUNTERS: Exchange[] = [
  { step: 'log out', apdu: '0020FF80', sw: '9000' },
  ...['63C4', '63C3', '63C2', '63C1', '63C0', '6983'].map((sw) => ({
    step: `VERIFY a wrong PIN: ${sw}`,
    apdu: '0020008008303030303030FFFF',
    sw,
  })),
  { step: 'VERIFY without data when blocked', apdu: '00200080', sw: '6983' },
  { step: 'CHANGE when blocked', apdu: '0024008010373635343332FFFF313131323232FFFF', sw: '6983' },
  { step: 'RESET RETRY with a wrong PUK', apdu: '002C0080103939393939393939313131323232FFFF', sw: '63C2' },
  { step: 'RESET RETRY with the PUK', apdu: '002C0080103132333435363738313131323232FFFF', sw: '9000' },
  { step: 'CHANGE the PUK', apdu: '002400811031323334353637383837363534333231', sw: '9000' },
  { step: 'CHANGE the PUK to binary', apdu: '002400811038373635343332310001FE7F80A0B0C0', sw: '6A80' },
  { step: 'the old PUK again', apdu: '002C0080103132333435363738333333343434FFFF', sw: '63C2' },
  { step: 'VERIFY the PUK', apdu: '00200081', sw: '6A88' },
  { step: 'an unknown INS', apdu: '00EE000000', sw: '6D00' },
];
