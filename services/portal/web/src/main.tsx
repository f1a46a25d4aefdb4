import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import './styles/index.css';
import { startTexts } from './i18n/index.js';
import { Portal } from './portal.js';
import { applyTheme } from './ui/theme.js';

applyTheme();
await startTexts(['common', 'home']);
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Suspense>
      <BrowserRouter>
        <Portal />
      </BrowserRouter>
    </Suspense>
  </StrictMode>,
);
