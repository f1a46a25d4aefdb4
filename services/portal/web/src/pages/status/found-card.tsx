import { useTranslation } from 'react-i18next';
import { rocDay } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { StatusMark } from '../../ui/status-mark.js';
import type { paths } from '../../api/schema.js';

export type Found =
  paths['/api/v1/certificates']['get']['responses'][200]['content']['application/json']['items'][number];

const FORMATS = ['cer', 'pem', 'p7b'] as const;

/** A card with its two certificates; they can be had from its acceptance on. */
export function FoundCard({ found }: { found: Found }) {
  const { t } = useTranslation('status');
  return (
    <section className="card found" aria-label={found.cardNumber}>
      <div className="list-head">
        <h2>{found.name}</h2>
        <StatusMark status={found.status} />
      </div>
      <Facts
        rows={[
          [t('criteria.cardNumber'), <span className="mono">{found.cardNumber}</span>],
          [t('criteria.ubn'), found.ubn],
          [t('subject'), found.subject],
          [t('rank'), t(`ranks.${found.rank}`)],
          [t('validity'), t('fromTo', { from: rocDay(found.notBefore), to: rocDay(found.notAfter) })],
          [t('signature'), <Serial serial={found.serials.signature} isPublic={found.acceptedAt !== null} />],
          [t('encryption'), <Serial serial={found.serials.encryption} isPublic={found.acceptedAt !== null} />],
        ]}
      />
      {found.acceptedAt === null && <p className="small">{t('notPublicYet')}</p>}
    </section>
  );
}

function Serial({ serial, isPublic }: { serial: string; isPublic: boolean }) {
  const { t } = useTranslation('status');
  return (
    <>
      <span className="mono">{serial}</span>
      {isPublic && (
        <span className="downloads">
          {FORMATS.map((format) => (
            <a key={format} href={`/api/v1/certificates/${serial}.${format}`} download={`${serial}.${format}`}>
              {t('download', { format: format.toUpperCase() })}
            </a>
          ))}
        </span>
      )}
    </>
  );
}
