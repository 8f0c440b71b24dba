import { defineConfig } from 'vitest/config'

const conditions = ['headwater-source', 'module', 'node', 'development|production']

/** Two kinds of test: `unit` shares threads and runs in seconds, `process` is isolated (signals, SIGKILL, child brokers). */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          pool: 'threads',
          isolate: false,
          // Nothing here is timed: the limit only ends a test that hangs, on however busy a machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['{packages,examples}/*/src/**/*.test.ts', '{sim,scripts,conformance,bench,endurance}/**/*.test.ts'],
          exclude: ['**/*.process.test.ts', '**/node_modules/**', '**/dist/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          pool: 'forks',
          isolate: true,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          include: ['**/*.process.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
        },
      },
    ],
  },
})
