import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useAnswer } from './use-answer.js';

export interface SaveFileProps {
  name: string;
  /** Asked for when the page opens, and again by a press where it failed; the same function every time. */
  file: (signal: AbortSignal) => Promise<Blob>;
  label: string;
  /** Said until it has come, and when it has not */
  coming: string;
  failed: string;
}

/** A file, once it has come, to be saved. */
export function SaveFile({ name, file, label, coming, failed }: SaveFileProps) {
  const { t } = useTranslation();
  const { data, problem, again } = useAnswer(file);
  if (problem) {
    return (
      <p role="status">
        {failed}{' '}
        <button type="button" onClick={again}>
          {t('common:tryAgain')}
        </button>
      </p>
    );
  }
  if (!data) return <p role="status">{coming}</p>;
  return <SaveLink name={name} file={data} label={label} />;
}

/** From memory, so that no address opens it; the address it has lasts as long as the link. */
function SaveLink({ name, file, label }: { name: string; file: Blob; label: string }) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    const address = URL.createObjectURL(file);
    link.current!.href = address;
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return (
    <a ref={link} className="button primary" download={name}>
      {label}
    </a>
  );
}
