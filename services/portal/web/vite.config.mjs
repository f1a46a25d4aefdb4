import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Two entries, subscribers and officers. Everything ends in files of the own origin: nothing inline, nothing from elsewhere. */
export default defineConfig({
  root: at('.'),
  publicDir: false,
  resolve: { alias: [{ find: /^#libs\/(.*)$/, replacement: `${at('../../../libs')}/$1/src/index.ts` }] },
  build: {
    outDir: at('../../../dist/services/portal/pages'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
    rolldownOptions: {
      onLog: (level, log, handle) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && handle(level, log),
      input: { index: at('index.html'), console: at('console.html') },
    },
  },
});
