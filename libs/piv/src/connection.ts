/**
 * A powered card: PC/SC's or a virtual one's. Opening one resets the card, closing it resets it again, so that no
 * security status outlives it.
 */
export interface CardConnection {
  /**
   * Sends one command APDU; the answer includes the status word.
   *
   * @throws CaError cardRemoved | cardCommunication
   */
  transmit(apdu: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}
