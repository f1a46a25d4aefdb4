import { type CardConnection } from '#libs/piv';

/** An ISO 7816 card without PIV, as a bank's or a health card is to us: a file system, and no application of that name. */
export class ForeignCard implements CardConnection {
  transmit(apdu: Uint8Array): Promise<Buffer> {
    const [, ins = 0, p1 = 0] = apdu;
    return Promise.resolve(Buffer.from(apdu.length < 4 ? '6700' : answerOf(ins, p1), 'hex'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function answerOf(ins: number, p1: number): string {
  if (ins === 0xa4) return p1 === 0x04 ? '6a82' : '6f0783023f00880101' + '9000'; // the master file is there
  if (ins === 0x84) return '00112233445566779000';
  if (ins === 0x20) return '6a88';
  if (ins === 0xb0 || ins === 0xca || ins === 0xcb) return '6a82';
  return '6d00';
}
