import { useEffect, useState } from 'react';

/**
 * Time left, by this machine's steady clock: its time of day may be wrong.
 *
 * @param seconds  left when the page asked
 */
export function Countdown({ seconds, onEnd }: { seconds: number; onEnd?: () => void }) {
  const [end] = useState(() => performance.now() + seconds * 1000);
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => setLeft(Math.max(0, Math.round((end - performance.now()) / 1000))), 500);
    return () => clearInterval(timer);
  }, [end]);
  const isOver = left === 0;
  useEffect(() => {
    if (isOver) onEnd?.();
  }, [isOver, onEnd]);
  const text = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60].map((n) => String(n).padStart(2, '0'));
  return (
    <span className="countdown" role="timer" aria-live="off">
      {text.join(':')}
    </span>
  );
}
