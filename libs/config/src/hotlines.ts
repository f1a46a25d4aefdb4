import { z } from 'zod';

export interface Hotline {
  where: string;
  number: string;
}

const MOST = 20;
const FORM = /^([^=]{1,80})=([^=]{1,40})$/;

const hotline = z
  .string()
  .regex(FORM, 'must be <where>=<number>')
  .transform((text): Hotline => {
    const [, where, number] = FORM.exec(text)!;
    return { where: where!.trim(), number: number!.trim() };
  });

/** `KAIKA_HOTLINE_1` to `KAIKA_HOTLINE_20`, each `<where>=<number>`: to be spread into a service's settings. */
export const hotlineSettings: Record<never, z.ZodType> = Object.fromEntries(
  Array.from({ length: MOST }, (_, i) => [`KAIKA_HOTLINE_${i + 1}`, hotline.optional()]),
);

/** Those that are set, in their order. */
export function hotlinesOf(read: object): Hotline[] {
  const all = read as Record<string, Hotline | undefined>;
  return Object.keys(hotlineSettings).flatMap((name) => all[name] ?? []);
}
