import { type ReactNode, useCallback, useState } from 'react';
import { Notice } from '../../ui/notice.js';

/** Says at the top of a page what was done, when that on which it was done is there no more; the keyboard goes there too. */
export function useTold(): { told: ReactNode; tell: (text: string) => void } {
  const [text, setText] = useState<string>();
  const tell = useCallback((next: string) => {
    setText(next);
    document.getElementById('content')?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return { told: text === undefined ? null : <Notice kind="good" title={text} />, tell };
}
