import { answerOf, api } from '../../api/client.js';

/** The form as a PDF; the user code goes in a header, never into an address. @throws Problem */
export async function fetchForm(caseNumber: string, userCode: string, signal: AbortSignal): Promise<Blob> {
  const params = { path: { case: caseNumber }, header: { 'X-User-Code': userCode } };
  const order = { params, parseAs: 'blob', headers: { accept: 'application/pdf' }, signal } as const;
  return (await answerOf(api.GET('/api/v1/applications/{case}/form.pdf', order))) as Blob;
}
