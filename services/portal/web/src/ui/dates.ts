import i18next from 'i18next';

const ROC_YEAR_ZERO = 1911;

const parts = (date: Date) =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Asia/Taipei',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hour12: false,
    })
      .formatToParts(date)
      .map(({ type, value }) => [type, value]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>;

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** A day in Taipei: 中華民國115年3月25日, as the manual shows it; in English with both years. */
export function rocDay(iso: string): string {
  const { year, month, day } = parts(new Date(iso));
  const roc = Number(year) - ROC_YEAR_ZERO;
  return i18next.language === 'en'
    ? `${Number(day)} ${MONTHS[Number(month) - 1]} ${year} (ROC ${roc})`
    : `中華民國${roc}年${Number(month)}月${Number(day)}日`;
}

/** With the time of day in Taipei. */
export function rocTime(iso: string): string {
  const { hour, minute, second } = parts(new Date(iso));
  return `${rocDay(iso)} ${hour}:${minute}:${second}`;
}
