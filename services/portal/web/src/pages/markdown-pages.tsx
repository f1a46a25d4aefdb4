import { useTranslation } from 'react-i18next';
import newsEn from '../content/news.en.md?raw';
import newsZh from '../content/news.zh-TW.md?raw';
import servicesEn from '../content/services.en.md?raw';
import servicesZh from '../content/services.zh-TW.md?raw';
import { Markdown } from '../content/markdown.js';
import { Page } from '../ui/page.js';

export function Services() {
  const { t, i18n } = useTranslation();
  return (
    <Page title={t('pages.services')}>
      <Markdown text={i18n.language === 'en' ? servicesEn : servicesZh} />
    </Page>
  );
}

export function News() {
  const { t, i18n } = useTranslation();
  return (
    <Page title={t('pages.news')}>
      <Markdown text={i18n.language === 'en' ? newsEn : newsZh} />
    </Page>
  );
}
