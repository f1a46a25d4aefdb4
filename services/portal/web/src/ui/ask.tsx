import { useLayoutEffect, useRef, type ReactNode } from 'react';

interface AskProps {
  title: string;
  children: ReactNode;
  yes: string;
  no: string;
  onYes: () => void;
  onNo: () => void;
}

/** A question that must be answered: the browser's own modal dialog keeps focus inside and takes Escape for no. */
export function Ask({ title, children, yes, no, onYes, onNo }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed before it is taken away: focus goes back to where it was.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="ask-title"
      onCancel={(event) => {
        event.preventDefault();
        onNo();
      }}
    >
      <h2 id="ask-title">{title}</h2>
      {children}
      <div className="actions">
        <button type="button" className="primary" onClick={onYes}>
          {yes}
        </button>
        <button type="button" className="second" onClick={onNo}>
          {no}
        </button>
      </div>
    </dialog>
  );
}
