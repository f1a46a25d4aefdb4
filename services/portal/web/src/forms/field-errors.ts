import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';
import type { Problem } from '../api/problem.js';
import type { Rules } from './fields.js';

/** Refusals that nobody judged a secret for: it may stay where it was typed, as the same is to be sent again. */
const NOT_JUDGED = new Set(['offline', 'cancelled', 'tooSlow', 'centreUnreachable', 'serviceUnavailable', 'tooBusy', 'starting', 'internal', 'nationalIdUnusual', 'invalidRequest', 'agentMissing', 'permissionDenied', 'originNotAllowed', 'noReader', 'noCard', 'readerBusy', 'cardRemoved', 'otherCard', 'cardCommunication', 'sessionExpired', 'pairingNeeded']); // prettier-ignore

interface Options {
  rules: Rules;
  secrets: readonly string[];
  /** Field that a refused code belongs to */
  refused?: string;
}

/** Puts what the server found wrong beside its fields, empties what was secret and was judged, and goes to the first. */
export function showProblem<T extends FieldValues>(form: UseFormReturn<T>, problem: Problem, options: Options): void {
  if (!NOT_JUDGED.has(problem.code)) emptySecrets(form, options.secrets);
  const names = Object.keys(form.getValues());
  const wrong = problem.fields
    .map((field) => field.split('.').at(-1)!)
    .map((field) => (names.includes(field) ? field : undefined))
    .filter((field) => field !== undefined);
  for (const [index, name] of [...new Set(wrong)].entries()) {
    form.setError(
      name as Path<T>,
      { type: 'server', message: options.rules[name]?.wrong ?? 'refused' },
      { shouldFocus: index === 0 },
    );
  }
  if (problem.code === 'codeRefused' && options.refused) form.setFocus(options.refused as Path<T>);
}

export function emptySecrets<T extends FieldValues>(form: UseFormReturn<T>, secrets: readonly string[]): void {
  for (const name of secrets) form.setValue(name as Path<T>, '' as never);
}
