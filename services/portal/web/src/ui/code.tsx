/** Lines for a terminal; wider than a phone, so that a keyboard can scroll them too. */
export function Code({ label, children }: { label: string; children: string }) {
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      <code>{children}</code>
    </pre>
  );
}
