/** What of `pcsc-mini` is used here; nothing else knows that package. */
export interface PcscBinding {
  Client: new () => PcscClient;
}

/**
 * Its `stop()` is not used: called while its thread is at work with an event it blocks the whole process (seen with 0.1.3).
 * A client that is no longer wanted is left alone; there are few.
 */
export interface PcscClient {
  on(event: 'reader', listener: (reader: PcscHandle) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** @throws Error with code NoService when there is no PC/SC service */
  start(): unknown;
}

export interface PcscHandle {
  name(): string;
  connect(mode: number, protocol?: number): Promise<PcscCard>;
  on(event: 'change', listener: (status: { hasAny(...flags: number[]): boolean }) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

export interface PcscCard {
  protocol(): number;
  transmit(apdu: Uint8Array): Promise<Uint8Array>;
  reconnect(mode: number, disposition: number): Promise<number>;
  disconnect(disposition: number): Promise<void>;
}

/** Constants of winscard.h, the same in every PC/SC. */
export const EXCLUSIVE = 1;
export const SHARED = 2;
export const LEAVE_CARD = 0;
export const RESET_CARD = 1;
export const PROTOCOL_T0 = 1;
export const PROTOCOL_ANY = 3;
export const STATE_PRESENT = 0x20;

/** A name that the compiler does not look for: the package is optional, and left out of the services' images. */
const PACKAGE: string = 'pcsc-mini';

/** Loaded when real readers are asked for, and not before: elsewhere neither package nor system library need be there. */
export async function loadPcsc(): Promise<PcscBinding> {
  const { default: loaded } = (await import(PACKAGE)) as { default: PcscBinding };
  return loaded;
}
