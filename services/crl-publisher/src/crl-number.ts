import { z } from 'zod';

/** A string: a CRL number has up to 20 octets (RFC 5280 §5.2.3). */
export const crlNumber = z.string().regex(/^[1-9]\d{0,47}$/, 'is not a CRL number');
