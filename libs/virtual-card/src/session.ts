/** What a PIV application remembers from power-on to reset. */
export class Session {
  /** The PIN was right, and nothing has taken that back. */
  verified = false;
  /** 9C is "PIN Always": each VERIFY is good for one signature. */
  freshForSignature = false;
  /** 9B was authenticated. */
  managed = false;
  /** What the card made for the first step of a 9B authentication, in clear; for the one step after it. */
  pending: { kind: 'witness' | 'challenge'; value: Buffer } | undefined;

  forgetPin(): void {
    this.verified = this.freshForSignature = false;
  }

  clear(): void {
    this.forgetPin();
    this.managed = false;
    this.pending = undefined;
  }
}
