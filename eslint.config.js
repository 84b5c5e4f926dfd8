import neostandard, { plugins } from 'neostandard'

export default [
  { ignores: ['**/dist/', 'dist-test/', '.tap/', 'coverage/', 'deploy/agent/node_modules/'] },
  ...neostandard({ ts: true }),
  {
    files: [
      'src/**/*.ts',
      'plugins/**/*.ts',
      'routes/**/*.ts',
      'test/**/*.ts',
      'scripts/**/*.ts',
      'bench/**/*.ts'
    ],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin, '@stylistic': plugins['@stylistic'] },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
      'no-nested-ternary': 'error'
    }
  },
  {
    files: ['console/**/*.js'],
    languageOptions: {
      parser: plugins['typescript-eslint'].parser,
      parserOptions: { project: './console/tsconfig.json' }
    },
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin, '@stylistic': plugins['@stylistic'] },
    rules: {
      // The compiler knows what a browser has.
      'no-undef': 'off',
      '@typescript-eslint/no-floating-promises': 'error',
      '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignorePattern: ' d=".*"|^  \\w+: .M' }],
      'no-nested-ternary': 'error'
    }
  },
  // theme.js runs before the modules, as a plain script.
  { files: ['console/theme.js'], languageOptions: { sourceType: 'script' } },
  // What tests get back is JSON, which they look into.
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-explicit-any': 'off' } }
]
