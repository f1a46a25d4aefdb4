import activateEn from '../../services/portal/web/src/i18n/texts/activate.en.js';
import activateZh from '../../services/portal/web/src/i18n/texts/activate.zh-TW.js';
import agentEn from '../../services/portal/web/src/i18n/texts/agent.en.js';
import agentZh from '../../services/portal/web/src/i18n/texts/agent.zh-TW.js';
import cardsEn from '../../services/portal/web/src/i18n/texts/cards.en.js';
import cardsZh from '../../services/portal/web/src/i18n/texts/cards.zh-TW.js';
import codesEn from '../../services/portal/web/src/i18n/texts/codes.en.js';
import codesZh from '../../services/portal/web/src/i18n/texts/codes.zh-TW.js';
import commonEn from '../../services/portal/web/src/i18n/texts/common.en.js';
import commonZh from '../../services/portal/web/src/i18n/texts/common.zh-TW.js';
import errorsEn from '../../services/portal/web/src/i18n/texts/errors.en.js';
import errorsZh from '../../services/portal/web/src/i18n/texts/errors.zh-TW.js';
import statusEn from '../../services/portal/web/src/i18n/texts/status.en.js';
import statusZh from '../../services/portal/web/src/i18n/texts/status.zh-TW.js';
import applyEn from '../../services/portal/web/src/i18n/texts/apply.en.js';
import applyZh from '../../services/portal/web/src/i18n/texts/apply.zh-TW.js';
import type { Language } from './browser.js';

/** What the pages say, by language: a test presses what a person reads. */
export const WORDS = {
  'zh-TW': { activate: activateZh, agent: agentZh, apply: applyZh, cards: cardsZh, codes: codesZh, common: commonZh, errors: errorsZh, status: statusZh }, // prettier-ignore
  en: { activate: activateEn, agent: agentEn, apply: applyEn, cards: cardsEn, codes: codesEn, common: commonEn, errors: errorsEn, status: statusEn }, // prettier-ignore
} satisfies Record<Language, object>;
