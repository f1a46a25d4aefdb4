import { z } from 'zod';

/** Two letters and 14 digits; test cards have four letters and 12 digits (DOMAIN.md §4). */
export const cardNumber = z.string().regex(/^[A-Z]{2}(\d{14}|[A-Z]{2}\d{12})$/);

/** 16 octets, the first 01–7F, as upper-case hex (DOMAIN.md §3). */
export const serial = z.string().regex(/^(?!00)[0-7][0-9A-F]{31}$/);

export const serialPair = z.object({ signature: serial, encryption: serial });
export type SerialPair = z.output<typeof serialPair>;

/** Subject key identifier of a CA key (RFC 5280 §4.2.1.2), upper-case hex. */
export const ski = z.string().regex(/^[0-9A-F]{40}$/);

/** RFC 3339 in UTC. */
export const utc = z.iso.datetime();
