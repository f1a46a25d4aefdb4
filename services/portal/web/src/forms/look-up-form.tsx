import { type ReactNode, useState } from 'react';
import { useForm } from 'react-hook-form';
import { ProblemNote } from '../ui/problem-note.js';
import { emptySecrets, showProblem } from './field-errors.js';
import { Field, SecretField } from './field.js';
import { type FieldRule, resolverOf } from './fields.js';
import { useSending } from './use-sending.js';

interface LookUpField {
  name: string;
  label: string;
  hint?: string;
  maxLength: number;
  rule: FieldRule;
  /** Emptied once it was judged; what is refused is said of it */
  isSecret?: boolean;
}

interface LookUpFormProps<A> {
  fields: readonly LookUpField[];
  button: string;
  ask: (typed: Record<string, string>, signal: AbortSignal) => Promise<A>;
  /** What was found, below the form */
  children: (found: A) => ReactNode;
}

/** A number, perhaps a code that goes with it, and what the centre knows of it. */
export function LookUpForm<A>({ fields, button, ask, children }: LookUpFormProps<A>) {
  const { busy, problem, send } = useSending();
  const [found, setFound] = useState<{ answer: A }>();
  const rules = Object.fromEntries(fields.map(({ name, rule }) => [name, rule]));
  const secrets = fields.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  const form = useForm<Record<string, string>>({
    defaultValues: Object.fromEntries(fields.map(({ name }) => [name, ''])),
    resolver: resolverOf<Record<string, string>>(() => rules),
  });
  const find = async (typed: Record<string, string>) => {
    setFound(undefined);
    const wrong = await send(async (signal) => setFound({ answer: await ask(typed, signal) }));
    if (wrong) showProblem(form, wrong, { rules, secrets, refused: secrets[0] });
    else emptySecrets(form, secrets);
  };
  return (
    <>
      <form onSubmit={(event) => void form.handleSubmit(find)(event)}>
        {fields.map(({ isSecret, rule: _rule, ...field }) =>
          isSecret ? (
            <SecretField key={field.name} form={form} {...field} />
          ) : (
            <Field key={field.name} form={form} {...field} />
          ),
        )}
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {button}
          </button>
        </div>
      </form>
      {found && children(found.answer)}
    </>
  );
}
