import { useEffect, useRef } from 'react';

/** The keyboard and a screen reader go to the top of the page. */
export function toTop(): void {
  window.scrollTo(0, 0);
  document.getElementById('content')?.focus({ preventScroll: true });
}

/** A new page begins at its top, and a screen reader is taken there; not upon the first, which the browser reads itself. */
export function useNewPage(pathname: string): void {
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    toTop();
  }, [pathname]);
}
