export default {
  testEnvironment: '<rootDir>/test/ordinary-global.mjs',
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/deploy', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          target: 'es2022',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^#libs/(.*)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  setupFiles: ['reflect-metadata'],
  testSequencer: '<rootDir>/test/longest-first.mjs',
  testTimeout: 30_000,
  // Most suites wait for their own PostgreSQL: one worker a core keeps both busy.
  maxWorkers: '100%',
  // jest-circus leaves an AsyncLocalStorage behind for every file, and each slows every promise: workers are begun anew in time.
  workerIdleMemoryLimit: '400MB',
};
