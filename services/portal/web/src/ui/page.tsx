import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface PageProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
}

/** A page: its one heading, which is the window's title as well. */
export function Page({ title, lead, children }: PageProps) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title}｜${t('brand')}`;
  }, [title, t]);
  return (
    <article className="page">
      <h1>{title}</h1>
      {lead !== undefined && <div className="lead">{typeof lead === 'string' ? <p>{lead}</p> : lead}</div>}
      {children}
    </article>
  );
}
