import type { ReactNode } from 'react';

/** Rows of a name and a value; those without a value are shown empty, as the manual's table is before a card is read. */
export function Facts({
  rows,
  label,
}: {
  rows: readonly (readonly [name: ReactNode, value: ReactNode])[];
  label?: string;
}) {
  return (
    <dl className="facts" aria-label={label}>
      {rows.map(([name, value], index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value ?? ' '}</dd>
        </div>
      ))}
    </dl>
  );
}
