import { useEffect, useState } from 'react';
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

/** A file, once it has come, to be saved: from memory, so that no address opens it. */
export function SaveFile({ name, file, label, coming, failed }: SaveFileProps) {
  const { t } = useTranslation();
  const { data, problem, again } = useAnswer(file);
  const address = useAddress(data);
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
  if (!address) return <p role="status">{coming}</p>;
  return (
    <a className="button primary" href={address} download={name}>
      {label}
    </a>
  );
}

/** Of what is in memory, for this page alone. */
function useAddress(blob?: Blob): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
      setAddress(undefined);
    };
  }, [blob]);
  return address;
}
