import { rfc3339 } from '#libs/clock';
import { toRoc } from '#libs/taiwan';

/** 民國115年11月22日 09:30, in Taipei. */
export function chineseTime(at: string): string {
  const local = rfc3339(new Date(at));
  return `${toRoc(local.slice(0, 10))} ${local.slice(11, 16)}`;
}

/** 2026-11-22 09:30 (UTC+8) */
export function englishTime(at: string): string {
  const local = rfc3339(new Date(at));
  return `${local.slice(0, 10)} ${local.slice(11, 16)} (UTC+8)`;
}
