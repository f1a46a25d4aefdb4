import { StreamableFile } from '@nestjs/common';

export const PDF = 'application/pdf';

/** A sheet of a case, to be saved under its number. */
export function pdfAnswer(caseNumber: string, sheet: Buffer): StreamableFile {
  const disposition = `attachment; filename="${caseNumber}.pdf"`;
  return new StreamableFile(sheet, { type: PDF, length: sheet.length, disposition });
}
