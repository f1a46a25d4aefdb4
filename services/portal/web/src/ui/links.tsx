import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES, type PageName } from '../../../src/page-paths.js';

/** The pages of a section as big links; texts of what each is for are `<area>:tiles.<page>`. */
export function Tiles({ area, pages }: { area: string; pages: readonly PageName[] }) {
  const { t } = useTranslation([area, 'common']);
  return (
    <ul className="tiles">
      {pages.map((name) => (
        <li key={name}>
          <Link to={PAGES[name]}>
            <strong>{t(`common:pages.${name}`)}</strong>
            <span>{t(`${area}:tiles.${name}`)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
