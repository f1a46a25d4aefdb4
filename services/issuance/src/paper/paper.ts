import PDFDocument from 'pdfkit';
import { code128, QUIET_MODULES } from './bar-code.js';
import { paperFont } from './paper-font.js';
import { printable } from './printable.js';

/** Points (1/72 inch). */
const MARGIN = 45;
const TOP = 36;
const BOTTOM = 55;
const LABEL_WIDTH = 132;
const PAD = 5;
const ROW_PAD = 3;
/** What a person needs to write by hand, or to stamp a date. */
const BLANK_ROW = 24;
const TEXT = 10.5;
const SMALL = 8.5;
const HEADING = 11.5;
const LINE_GAP = 1;
/** A heading and a first row. */
const HEADED = 60;
const BAR_HEIGHT = 34;
/** 0.33 mm, which every scanner reads. */
const MODULE = 0.94;
const INK = '#000000';
const RULE = '#666666';
const SHADE = '#f0f0f0';

/** A label and what is said of it; undefined: blank, to be filled in by hand. */
export type PaperRow = readonly [label: string, value: string | undefined];

export interface PaperOptions {
  readonly title: string;
  /** Of the data on it: the same data at the same time are the same bytes. */
  readonly at: Date;
  /** At the foot of every page, before its number. */
  readonly foot: string;
}

/**
 * A4 sheets that are printed, stamped and sent in: text that can be searched and read aloud (tagged PDF 1.7, zh-TW), one
 * font, embedded. What doesn't fit goes on to the next page; nothing is ever cut.
 */
export class Paper {
  readonly #doc: PDFKit.PDFDocument;
  readonly #root: PDFKit.PDFStructureElement;
  readonly #font = paperFont();
  readonly #width: number;
  #y = TOP;
  #complete = true;

  constructor(private readonly options: PaperOptions) {
    this.#doc = new PDFDocument({
      ...{
        size: 'A4',
        margin: 0,
        bufferPages: true,
        pdfVersion: '1.7',
        lang: 'zh-TW',
        tagged: true,
        displayTitle: true,
      },
      // Not one of the standard fonts, which are never embedded.
      font: null as never,
      info: { Title: options.title, Creator: 'kaika', Producer: 'kaika', CreationDate: options.at },
    });
    // Parsed once, which takes longer than drawing; pdfkit takes a font of fontkit's, its types do not know.
    this.#doc
      .registerFont('paper', this.#font.font as never)
      .font('paper')
      .fillColor(INK);
    this.#root = this.#doc.struct('Document');
    this.#doc.addStructure(this.#root);
    this.#width = this.#doc.page.width - 2 * MARGIN;
  }

  /** Whether every character so far could be printed. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The title, and the number of the case as a bar code on the right. */
  heading(number: string): void {
    const { bars, modules } = code128(number);
    const width = modules * MODULE;
    const x = MARGIN + this.#width - width;
    const left = this.#width - width - QUIET_MODULES * MODULE;
    this.tag('H1', () => this.write(this.options.title, { x: MARGIN, y: this.#y + 6, width: left, size: 18 }));
    this.tag(
      'Figure',
      () => {
        for (const bar of bars) this.#doc.rect(x + bar.at * MODULE, this.#y, bar.modules * MODULE, BAR_HEIGHT);
        this.#doc.fill(INK);
      },
      { alt: number, bbox: [x, this.#y, x + width, this.#y + BAR_HEIGHT] },
    );
    this.tag('P', () => this.write(number, { x, y: this.#y + BAR_HEIGHT + 3, width, size: TEXT, align: 'center' }));
    this.#y += BAR_HEIGHT + 24;
  }

  paragraph(text: string, size = SMALL): void {
    const height = this.height(text, this.#width, size);
    this.room(height);
    this.tag('P', () => this.write(text, { x: MARGIN, y: this.#y, width: this.#width, size }));
    this.#y += height + 4;
  }

  /** Numbered. */
  notes(texts: readonly string[]): void {
    for (const [i, text] of texts.entries()) this.paragraph(`${i + 1}. ${text}`);
  }

  /** Rows of label and value below a heading of their own; the heading is on the page of the first row. */
  section(title: string, rows: readonly PaperRow[]): void {
    this.room(HEADED);
    this.tag('H2', () => this.write(title, { x: MARGIN, y: this.#y, width: this.#width, size: HEADING }));
    this.#y += this.height(title, this.#width, HEADING) + 3;
    const table = this.child(this.#root, 'Table');
    for (const [label, value] of rows) this.row(table, label, value);
    table.end();
    this.#y += 8;
  }

  /** Places for seals, side by side. */
  boxes(labels: readonly string[], height: number): void {
    this.room(height + 12);
    const width = (this.#width - (labels.length - 1) * 12) / labels.length;
    for (const [i, label] of labels.entries()) {
      const x = MARGIN + i * (width + 12);
      this.decorate(() => this.#doc.rect(x, this.#y, width, height).stroke(RULE));
      this.tag('P', () => this.write(label, { x: x + PAD, y: this.#y + PAD, width: width - 2 * PAD, size: SMALL }));
    }
    this.#y += height + 12;
  }

  end(): Promise<Buffer> {
    this.#root.end();
    const { start, count } = this.#doc.bufferedPageRange();
    for (let page = 0; page < count; page += 1) {
      this.#doc.switchToPage(start + page);
      const text = `${this.options.foot}\u3000第 ${page + 1} 頁，共 ${count} 頁`;
      const y = this.#doc.page.height - BOTTOM + 18;
      this.decorate(
        () => this.write(text, { x: MARGIN, y, width: this.#width, size: SMALL, align: 'center' }),
        'Pagination',
      );
    }
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      this.#doc.on('data', (chunk: Buffer) => chunks.push(chunk));
      this.#doc.on('end', () => resolve(Buffer.concat(chunks)));
      this.#doc.on('error', reject);
      this.#doc.end();
    });
  }

  private row(table: PDFKit.PDFStructureElement, label: string, value: string | undefined): void {
    const { text, complete } = printable(value ?? '', (codePoint) => this.#font.has(codePoint));
    this.#complete &&= complete;
    const valueWidth = this.#width - LABEL_WIDTH;
    const inner = valueWidth - 2 * PAD;
    const lines = Math.max(this.height(label, LABEL_WIDTH - 2 * PAD), this.height(text, inner));
    const height = Math.max(lines + 2 * ROW_PAD, value === undefined ? BLANK_ROW : 0);
    this.room(height);
    const y = this.#y;
    this.decorate(() => {
      this.#doc.rect(MARGIN, y, LABEL_WIDTH, height).fillAndStroke(SHADE, RULE);
      this.#doc.rect(MARGIN + LABEL_WIDTH, y, valueWidth, height).stroke(RULE);
    });
    const cells = this.child(table, 'TR');
    const at = { y: y + ROW_PAD, size: TEXT };
    this.tag('TH', () => this.write(label, { ...at, x: MARGIN + PAD, width: LABEL_WIDTH - 2 * PAD }), {}, cells);
    this.tag('TD', () => this.write(text, { ...at, x: MARGIN + LABEL_WIDTH + PAD, width: inner }), {}, cells);
    cells.end();
    this.#y += height;
  }

  /** Goes on to a new page when so much doesn't fit on this one. */
  private room(height: number): void {
    if (this.#y + height <= this.#doc.page.height - BOTTOM) return;
    this.#doc.addPage();
    this.#y = TOP;
  }

  private height(text: string, width: number, size = TEXT): number {
    return this.#doc.fontSize(size).heightOfString(text || ' ', { width, lineGap: LINE_GAP });
  }

  private write(
    text: string,
    {
      x,
      y,
      width,
      size,
      align = 'left',
    }: { x: number; y: number; width: number; size: number; align?: 'left' | 'center' },
  ): void {
    if (text === '') return;
    this.#doc.fillColor(INK).fontSize(size).text(text, x, y, { width, align, lineGap: LINE_GAP });
  }

  private child(parent: PDFKit.PDFStructureElement, type: string, options = {}): PDFKit.PDFStructureElement {
    const element = this.#doc.struct(type, options);
    parent.add(element);
    return element;
  }

  private tag(type: string, draw: () => void, options = {}, parent = this.#root): void {
    const element = this.child(parent, type, options);
    element.add(draw);
    element.end();
  }

  /** Lines and numbers that nobody needs to hear. */
  private decorate(draw: () => void, type: 'Layout' | 'Pagination' = 'Layout'): void {
    this.#doc.markContent('Artifact', { type }).lineWidth(0.6);
    draw();
    this.#doc.endMarkedContent();
  }
}
