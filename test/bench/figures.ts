export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** DESIGN.md §7, where it names one. */
  readonly target?: string;
}

export type Benchmark = () => Promise<Figure[]>;

/** The middle of an odd number of measurements. */
export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Three significant digits, so that no figure looks more exact than it is. */
export const figure = (what: string, value: number, unit: string, target?: string): Figure => ({
  what,
  value: Number(value.toPrecision(3)),
  unit,
  ...(target !== undefined && { target }),
});
