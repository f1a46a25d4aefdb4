import { useEffect, useState } from 'react';

interface SaveFileProps {
  name: string;
  file: Promise<Blob>;
  label: string;
  /** Said until it has come, and when it has not */
  coming: string;
  failed: string;
}

/** A file, once it has come, to be saved: from memory, so that no address opens it. */
export function SaveFile({ name, file, label, coming, failed }: SaveFileProps) {
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
  if (found === 'failed') return <p role="status">{failed}</p>;
  if (found === undefined) return <p role="status">{coming}</p>;
  return (
    <a className="button primary" href={found} download={name}>
      {label}
    </a>
  );
}
