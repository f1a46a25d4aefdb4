import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

interface SaveFormProps {
  caseNumber: string;
  file: Promise<Blob>;
}

/** The form, once it has come, as a file to save: from memory, so that its address opens nothing. */
export function SaveForm({ caseNumber, file }: SaveFormProps) {
  const { t } = useTranslation('apply');
  const [found, setFound] = useState<string | 'failed'>();
  useEffect(() => {
    let url: string | undefined;
    let isGone = false;
    file.then(
      (blob) => {
        if (isGone) return;
        url = URL.createObjectURL(blob);
        setFound(url);
      },
      () => !isGone && setFound('failed'),
    );
    return () => {
      isGone = true;
      if (url) URL.revokeObjectURL(url);
    };
  }, [file]);
  if (found === 'failed') return <p role="status">{t('formFailed')}</p>;
  if (found === undefined) return <p role="status">{t('formComing')}</p>;
  return (
    <a className="button primary" href={found} download={`${caseNumber}.pdf`}>
      {t('saveForm')}
    </a>
  );
}
