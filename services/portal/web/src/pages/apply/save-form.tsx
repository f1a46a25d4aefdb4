import { useTranslation } from 'react-i18next';
import { SaveFile, type SaveFileProps } from '../../ui/save-file.js';

export interface FormFile {
  caseNumber: string;
  file: SaveFileProps['file'];
}

/** The form of an application, under its case number. */
export function SaveForm({ caseNumber, file }: FormFile) {
  const { t } = useTranslation('apply');
  const words = { label: t('saveForm'), coming: t('formComing'), failed: t('formFailed') };
  return <SaveFile name={`${caseNumber}.pdf`} file={file} {...words} />;
}
