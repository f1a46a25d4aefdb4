import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

const PATIENCE_MS = 10_000;

interface WorkingProps {
  /** What is being waited for, said once it takes long */
  waitsFor: string;
  onCancel: () => void;
}

/** 系統處理中，請稍候; after ten seconds what it waits for, and a way out. */
export function Working({ waitsFor, onCancel }: WorkingProps) {
  const { t } = useTranslation();
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="working" role="status">
      <span className="spinner" aria-hidden="true" />
      <div>
        <p>{t('working')}</p>
        {long && (
          <>
            <p>{t('workingLong', { waitsFor })}</p>
            <button type="button" className="second" onClick={onCancel}>
              {t('cancel')}
            </button>
          </>
        )}
      </div>
    </div>
  );
}
