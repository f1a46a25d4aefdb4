import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Notice } from './notice.js';

/** Keeps the frame standing when a page's own code fails or cannot be fetched. */
export class Crash extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <Crashed /> : this.props.children;
  }
}

function Crashed() {
  const { t } = useTranslation();
  return (
    <Notice kind="error" title={t('crashed')}>
      <p>
        <button type="button" onClick={() => location.reload()}>
          {t('reload')}
        </button>
      </p>
    </Notice>
  );
}
