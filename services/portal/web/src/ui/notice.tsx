import type { ReactNode } from 'react';

interface NoticeProps {
  kind: 'error' | 'warning' | 'good' | 'info';
  title?: ReactNode;
  children?: ReactNode;
}

const ICONS = { error: '✕', warning: '!', good: '✓', info: 'i' } as const;

/** Something to be noticed; errors are read out at once. */
export function Notice({ kind, title, children }: NoticeProps) {
  return (
    <div className={`notice ${kind}`} role={kind === 'error' ? 'alert' : kind === 'info' ? undefined : 'status'}>
      <span className="icon" aria-hidden="true">
        {ICONS[kind]}
      </span>
      <div>
        {title !== undefined && <p className="notice-title">{title}</p>}
        {children}
      </div>
    </div>
  );
}
