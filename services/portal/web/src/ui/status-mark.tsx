import { useTranslation } from 'react-i18next';

/** 待啟用, 有效, 停用, 廢止, 已過期: a word, never a colour alone. */
export function StatusMark({ status }: { status: string }) {
  const { t } = useTranslation();
  return <span className={`status ${status}`}>{t(`statuses.${status}`)}</span>;
}
