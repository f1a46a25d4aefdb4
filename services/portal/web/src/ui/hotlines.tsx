import { useTranslation } from 'react-i18next';
import { useSite } from '../api/site.js';

/** Where to call, as the settings say; the same on every page that reports an error. */
export function Hotlines() {
  const { t } = useTranslation();
  const { hotlines } = useSite();
  if (hotlines.length === 0) return <p>{t('noHotlines')}</p>;
  return (
    <dl className="hotlines">
      {hotlines.map(({ where, number }) => (
        <div key={where + number}>
          <dt>{where}</dt>
          <dd>
            {/^[+\d() -]+$/.test(number) ? <a href={`tel:${number.replace(/[^+\d]/g, '')}`}>{number}</a> : number}
          </dd>
        </div>
      ))}
    </dl>
  );
}
