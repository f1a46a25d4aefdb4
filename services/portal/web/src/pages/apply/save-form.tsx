import { useTranslation } from 'react-i18next';
import { SaveFile } from '../../ui/save-file.js';

/** The form of an application, under its case number. */
export function SaveForm({ caseNumber, file }: { caseNumber: string; file: Promise<Blob> }) {
  const { t } = useTranslation('apply');
  const words = { label: t('saveForm'), coming: t('formComing'), failed: t('formFailed') };
  return <SaveFile name={`${caseNumber}.pdf`} file={file} {...words} />;
}
