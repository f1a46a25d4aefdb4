import { type CardProfile, PIN_MAX_LENGTH, PIN_MIN_LENGTH } from '#libs/piv';
import { HINTS } from '../page/hints.js';
import { type Language, say } from '../page/language.js';
import { escape, facts, layout, note } from '../page/layout.js';
import { FIELDS } from './pin-fields.js';
import type { PinKind, PinState } from './pin-session.js';
import { ASK, ASK_AGAIN, LABELS, LAST_ONLINE, PROBLEMS, resultText, RULES, TITLES } from './pin-texts.js';

export interface PinPage {
  kind: PinKind;
  state: PinState;
  language: Language;
  /** Its path, to which the form goes */
  self: string;
  cardNumber?: string;
  name?: string;
  /** Who asked, where something is signed for it */
  site?: string;
  /** The card's, when it was there to be asked */
  profile?: CardProfile;
  pinTries?: number;
  /** The holder types the PIN set before. */
  maybeChanged?: boolean;
  /** A reset that is the last one online: the holder is warned */
  lastOnline?: boolean;
  /** Code of what was wrong with the last try */
  problem?: string;
}

const WORKING_REFRESH_SECONDS = 2;

/** The page on which a holder types a PIN. */
export function pinPage(page: PinPage): string {
  const { kind, state, language, self, lastOnline } = page;
  const text = resultText(kind, state, lastOnline);
  const end = text && note(say(text, language), state === 'done' || state === 'working');
  return layout({
    title: TITLES[kind],
    language,
    self,
    body: [cardFacts(page), end ?? form(page)].join('\n'),
    ...(state === 'working' && { refreshSeconds: WORKING_REFRESH_SECONDS }),
  });
}

function form({ kind, language, self, profile, problem, maybeChanged, lastOnline }: PinPage): string {
  const charset = profile?.pinCharset === 'ascii' ? 'ascii' : 'digits';
  const ask = maybeChanged && kind !== 'change-pin' ? ASK_AGAIN : ASK[kind];
  const wrong = problem === undefined ? '' : note(say(PROBLEMS[problem] ?? HINTS.cardCommunication, language));
  const warning = lastOnline ? note(say(LAST_ONLINE, language)) : '';
  const oldLabel = kind === 'change-pin' ? LABELS.oldPin : LABELS.pin;
  const fields = [
    ...(FIELDS[kind].old ? [{ name: 'oldPin', label: oldLabel, autocomplete: 'current-password' }] : []),
    ...(FIELDS[kind].new ? [{ name: 'newPin', label: LABELS.newPin, autocomplete: 'new-password' }] : []),
    ...(FIELDS[kind].new ? [{ name: 'confirmPin', label: LABELS.confirmPin, autocomplete: 'new-password' }] : []),
  ].map((field, index) => input({ ...field, label: say(field.label, language), charset, first: index === 0 }));
  return `${wrong}${warning}
<form method="post" action="${escape(self)}?lang=${language}" autocomplete="off">
<p id="rule">${escape(say(ask, language))}<br>${escape(say(RULES[charset], language))}</p>
${fields.join('\n')}
<button type="submit">${escape(say(TITLES[kind], language))}</button>
</form>`;
}

interface Input {
  name: string;
  label: string;
  autocomplete: string;
  charset: 'digits' | 'ascii';
  first: boolean;
}

function input({ name, label, autocomplete, charset, first }: Input): string {
  const pattern = `${charset === 'digits' ? '[0-9]' : '[!-~]'}{${PIN_MIN_LENGTH},${PIN_MAX_LENGTH}}`;
  return `<label for="${name}">${escape(label)}</label>
<input id="${name}" name="${name}" type="password" required minlength="${PIN_MIN_LENGTH}" maxlength="${PIN_MAX_LENGTH}"
 pattern="${pattern}" inputmode="${charset === 'digits' ? 'numeric' : 'text'}" autocomplete="${autocomplete}"
 aria-describedby="rule"${first ? ' autofocus' : ''}>`;
}

function cardFacts({ cardNumber, name, site, pinTries, language }: PinPage): string {
  return facts([
    [say(LABELS.site, language), site],
    [say(LABELS.cardNumber, language), cardNumber],
    [say(LABELS.name, language), name],
    [say(LABELS.triesLeft, language), pinTries?.toString()],
  ]);
}
