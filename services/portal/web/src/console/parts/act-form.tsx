import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DefaultValues, type FieldValues, useForm, type UseFormReturn } from 'react-hook-form';
import { showProblem } from '../../forms/field-errors.js';
import { resolverOf, type Rules } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Ask } from '../../ui/ask.js';
import { Notice } from '../../ui/notice.js';
import { ProblemNote } from '../../ui/problem-note.js';

interface ActFormProps<T extends FieldValues, A> {
  /** Of the group of fields, for who can't see where it stands. */
  label: string;
  button: string;
  defaults: DefaultValues<T>;
  rules: (values: T) => Rules;
  fields?: (form: UseFormReturn<T>) => ReactNode;
  /** Asked before anything is sent: what will happen, to whom. */
  confirm: (values: T) => { title: string; text: ReactNode };
  isHarm?: boolean;
  send: (values: T, signal: AbortSignal) => Promise<A>;
  /** Told after it was done. */
  done: string;
  onDone?: (answer: A) => void;
}

/** One thing an officer does: its fields, a question before it is done, and what came of it. Refused, nothing typed is lost. */
export function ActForm<T extends FieldValues, A = unknown>(props: ActFormProps<T, A>) {
  const { t } = useTranslation('console');
  const { rules, send, onDone } = props;
  const form = useForm<T>({ defaultValues: props.defaults, resolver: resolverOf<T>(rules), shouldFocusError: true });
  const sending = useSending();
  const [asked, setAsked] = useState<T>();
  const [isDone, setDone] = useState(false);

  const submit = async (values: T) => {
    setAsked(undefined);
    const problem = await sending.send(async (signal) => {
      const answer = await send(values, signal);
      setDone(true);
      form.reset();
      onDone?.(answer);
    });
    if (problem) showProblem(form, problem, { rules: rules(values), secrets: [] });
  };
  const question = asked && props.confirm(asked);
  return (
    <form
      noValidate
      aria-label={props.label}
      onSubmit={form.handleSubmit((values) => {
        setDone(false);
        setAsked(values);
      })}
    >
      {props.fields?.(form)}
      <div className="actions">
        <button type="submit" className={props.isHarm ? 'second harm' : 'primary'} aria-disabled={sending.busy}>
          {sending.busy ? t('sending') : props.button}
        </button>
      </div>
      <ProblemNote problem={sending.problem} />
      {isDone && <Notice kind="good" title={props.done} />}
      {question && (
        <Ask
          title={question.title}
          yes={props.button}
          no={t('common:cancel')}
          onYes={() => void submit(asked)}
          onNo={() => setAsked(undefined)}
        >
          {question.text}
        </Ask>
      )}
    </form>
  );
}
