import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const belowPolicy = ['type:core', 'type:protocol', 'type:pure', 'type:platform'];
const belowProcess = ['type:policy', ...belowPolicy];
const belowApps = ['type:process', ...belowProcess];

/**
 * Which height may import which; the tags stand in each project.json. Lint through `npm run lint` (nx): without nx's
 * project graph the rule skips itself. tools/workspace/boundaries.spec.ts plants violations and sees that it bites.
 */
const heights = {
  // apps/tailrace alone composes the two doors; a door never imports the other.
  'type:composition': ['type:app', ...belowApps],
  'type:app': belowApps,
  // libs/service: settings, and what every program of ours stands on.
  'type:process': belowProcess,
  'type:policy': belowPolicy,
  'type:core': ['type:protocol', 'type:pure', 'type:platform'],
  'type:protocol': ['type:pure'],
  'type:pure': [],
  'type:platform': [],
  'type:testkit': [],
  // Tools, bench and compat drive the product from outside; nothing imports them.
  'type:workspace': ['type:composition', 'type:app', 'type:testkit', ...belowApps],
};

/**
 * A project always imports its own package and others of its height only where `heights` says so.
 * @param {readonly string[]} besides tags that every project may import as well
 */
const boundaries = (besides) => [
  'error',
  {
    // Node runs the sources themselves: there is no build step between libraries.
    enforceBuildableLibDependency: false,
    depConstraints: Object.entries(heights).map(([sourceTag, allowed]) => ({
      sourceTag,
      onlyDependOnLibsWithTags: [...allowed, ...besides],
    })),
  },
];

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/coverage/', '.nx/', '**/.cache/', '**/.tailrace/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([]),
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      // Contracts answer promises; an engine that needs no await keeps the contract all the same.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNever: true },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts', '**/testing/**/*.ts', '{apps,libs}/*/bench/*.ts'],
    rules: {
      // Tests and benches alone may import the testkit.
      '@nx/enforce-module-boundaries': boundaries(['type:testkit']),
      // Answers of foreign clients and JSON are compared whole; to type each of them first proves nothing more.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // The compiler of readers and writers makes functions from text: that is its whole purpose, and the text is ours.
    files: ['libs/kafka-protocol/src/codec/compile-*.ts'],
    rules: { '@typescript-eslint/no-implied-eval': 'off', '@typescript-eslint/no-unsafe-call': 'off' },
  },
);
