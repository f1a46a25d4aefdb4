import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import '../styles/index.css';
import './console.css';
import { startTexts } from '../i18n/index.js';
import { applyTheme } from '../ui/theme.js';
import { Console } from './console.js';
import { begin } from './login/session.js';

applyTheme();
await startTexts(['common', 'console', 'errors', 'agent']);
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Suspense>
      <Console />
    </Suspense>
  </StrictMode>,
);
await begin();
