import { findTlv } from '#libs/piv';

/** A command as the application sees it: its chain put together. */
export interface Apdu {
  ins: number;
  p1: number;
  p2: number;
  data: Buffer;
}

export interface Reply {
  sw: number;
  data?: Buffer;
}

/** The element of a command's data; undefined when it is not there or the data is not TLV. */
export function element(data: Buffer, tag: number): Buffer | undefined {
  try {
    return findTlv(data, tag);
  } catch {
    return undefined;
  }
}
