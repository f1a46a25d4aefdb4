import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Endpoint } from '#libs/doors';
import { CaError, ERRORS } from '#libs/errors';
import { AGENT_VERSION } from '../agent.config.js';
import { hintOf } from '../page/hints.js';
import { type Language, languageOf, say, type Text } from '../page/language.js';
import { escape, facts, layout, note, PAGE_CSP } from '../page/layout.js';
import { PinService } from '../pin/pin.service.js';
import { type CheckItem, SelfCheck } from './self-check.js';

const TITLE: Text = ['讀卡環境檢測', 'Check this computer and your card'];
const START: Text = ['開始檢測', 'Start'];
const AGAIN: Text = ['重新檢測', 'Check again'];
const INTRODUCTION: Text = [
  '請將卡片插入讀卡機後開始檢測。前5項通過即可進行啟用憑證。檢測過程不需要輸入PIN碼。',
  'Insert your card and start. With items 1 to 5 passed you can activate it. No PIN is asked for.',
];
const WITH_PIN: Text = ['檢測第9、10項（需輸入PIN碼）', 'Items 9 and 10 (they ask for your PIN)'];
const CHANGE: Text = ['變更PIN碼', 'Change the PIN'];
const TYPE_IT: Text = ['前往輸入PIN碼', 'Go on to type the PIN'];
const VERSION: Text = ['版本', 'Version'];
const HTML = { mediaType: 'text/html' };
const MARKS = { pass: '√', fail: '✗', skipped: '–', 'on-the-agents-page': '○' } as const;
const READ_OUT: Record<CheckItem['result'], Text> = {
  pass: ['通過', 'passed'],
  fail: ['未通過', 'failed'],
  skipped: ['未檢測', 'not reached'],
  'on-the-agents-page': ['未檢測', 'not done yet'],
};

/** The self-check on the agent's own page. A card is touched upon its own form only: a GET may come from anywhere. */
@Controller('check')
export class CheckController {
  constructor(
    private readonly checks: SelfCheck,
    private readonly pins: PinService,
  ) {}

  @Get()
  @Endpoint({ allow: 'anyone', summary: 'The page of the self-check', returns: HTML })
  show(@Req() request: Request, @Res() response: Response): void {
    const language = languageOf(request);
    send(response, 200, language, `<p>${escape(say(INTRODUCTION, language))}</p>${button('/check', START, language)}`);
  }

  @Post()
  @Endpoint({ allow: 'anyone', summary: 'Items 1 to 8', returns: HTML })
  async run(@Req() request: Request, @Res() response: Response): Promise<void> {
    const language = languageOf(request);
    const items = await this.checks.run();
    const allPassed = items.every(({ result }) => result !== 'fail');
    const next = allPassed
      ? [button('/check/pin', WITH_PIN, language), button('/check/pin-change', CHANGE, language)]
      : [];
    const version = facts([[say(VERSION, language), AGENT_VERSION]]);
    send(
      response,
      200,
      language,
      [version, list(items, language), ...next, button('/check', AGAIN, language)].join('\n'),
    );
  }

  @Post('pin')
  @Endpoint({ allow: 'anyone', summary: 'Opens the page for items 9 and 10', returns: HTML })
  pin(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.open(request, response, (origin) => this.pins.openCheck(origin));
  }

  @Post('pin-change')
  @Endpoint({ allow: 'anyone', summary: 'Opens the page on which a known PIN is changed', returns: HTML })
  pinChange(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.open(request, response, (origin) => this.pins.openChange(origin));
  }

  private async open(request: Request, response: Response, open: (origin: string) => Promise<string>): Promise<void> {
    const language = languageOf(request);
    try {
      const id = await open(`http://${request.headers.host}`);
      const link = `<p><a href="/pin/${id}?lang=${language}" autofocus>${escape(say(TYPE_IT, language))}</a></p>`;
      send(response, 201, language, link);
    } catch (error) {
      const hint = error instanceof CaError ? hintOf(error) : undefined;
      if (!hint || !(error instanceof CaError)) throw error;
      const body = note(hint[language]) + button('/check', AGAIN, language);
      send(response, ERRORS[error.code].status, language, body);
    }
  }
}

function list(items: readonly CheckItem[], language: Language): string {
  const rows = items.map(({ result, title, hint }) => {
    const mark = `<span aria-label="${escape(say(READ_OUT[result], language))}">${MARKS[result]}</span>`;
    return `<li>${mark} ${escape(title[language])}${hint ? `<small>${escape(hint[language])}</small>` : ''}</li>`;
  });
  return `<ol>${rows.join('')}</ol>`;
}

const button = (path: string, text: Text, language: Language) =>
  `<form method="post" action="${path}?lang=${language}"><button type="submit">${escape(say(text, language))}</button></form>`;

function send(response: Response, status: number, language: Language, body: string): void {
  const html = layout({ title: TITLE, language, self: '/check', body });
  response.status(status).setHeader('Content-Security-Policy', PAGE_CSP).type('html').send(html);
}
