import { CaError } from '#libs/errors';

const SERVICE_GONE = ['NoService', 'ServiceStopped', 'CommError', 'CommDataLost', 'Shutdown', 'InvalidHandle', 'SystemCancelled']; // prettier-ignore
const READER_GONE = ['UnknownReader', 'ReaderUnavailable', 'NoReadersAvailable'];
/** Nothing that answers to power-on: the wrong way round, broken, or no smart card. */
const MUTE = ['UnresponsiveCard', 'UnpoweredCard', 'UnsupportedCard', 'ProtoMismatch', 'InvalidAtr', 'UnknownCard'];

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

export const serviceIsGone = (error: unknown): boolean => SERVICE_GONE.includes(codeOf(error));

export const readerIsGone = (error: unknown): boolean => READER_GONE.includes(codeOf(error));

/** @param cause why: the package, the system library or the service is not there */
export function pcscMissing(cause?: unknown): CaError {
  const detail = 'the smart card service (PC/SC) of this machine does not answer';
  return new CaError('noReader', detail, { state: 'pcsc-missing' }, { cause });
}

/** What PC/SC's word for a failed connect means here. */
export function connectError(error: unknown): CaError {
  const code = codeOf(error);
  if (serviceIsGone(error)) return pcscMissing(error);
  if (READER_GONE.includes(code)) return new CaError('noReader', 'the reader was unplugged');
  if (code === 'NoSmartCard' || code === 'RemovedCard') return new CaError('noCard', 'there is no card in the reader');
  if (code === 'SharingViolation') return new CaError('readerBusy', 'another program uses the card');
  if (MUTE.includes(code)) return new CaError('unknownCardKind', 'the card does not answer to power-on');
  return new CaError('cardCommunication', `powering the card on failed (${code || 'no code'})`, {}, { cause: error });
}

/** The same in the middle of a session. A card that was taken out is told in several words. */
export function transmitError(error: unknown): CaError {
  const code = codeOf(error);
  const out = ['RemovedCard', 'NoSmartCard', 'NotTransacted', ...READER_GONE, ...SERVICE_GONE].includes(code);
  if (out) return new CaError('cardRemoved', 'the card or its reader went away', {}, { cause: error });
  const detail = code === 'ResetCard' ? 'another program reset the card' : `the reader failed (${code || 'no code'})`;
  return new CaError('cardCommunication', detail, {}, { cause: error });
}
