import { type ReactNode, useCallback, useState } from 'react';
import { Notice } from '../../ui/notice.js';
import { toTop } from '../../ui/use-new-page.js';

/** @param kind warning: it was done, and came to nothing */
export type Tell = (text: string, kind?: 'good' | 'warning') => void;

/** Says at the top of a page what was done, when that on which it was done is there no more; the keyboard goes there too. */
export function useTold(): { told: ReactNode; tell: Tell } {
  const [told, setTold] = useState<{ text: string; kind: 'good' | 'warning' }>();
  const tell = useCallback<Tell>((text, kind = 'good') => {
    setTold({ text, kind });
    toTop();
  }, []);
  return { told: told && <Notice kind={told.kind} title={told.text} />, tell };
}
