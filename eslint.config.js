import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** The borders between rooms: what each may not import (docs/architecture.md). */
const rooms = [
	{ room: 'domain', never: ['#*', '!#domain/*', 'node:*', 'cloudflare:*', 'hono*', 'drizzle-orm*', 'svelte*', 'ws'] },
	{
		room: 'protocol',
		never: ['#*', '!#domain/*', '!#protocol/*', 'node:*', 'cloudflare:*', 'hono*', 'drizzle-orm*', 'svelte*', 'ws'],
	},
	{ room: 'worker/db', never: ['#*', '!#domain/*', 'hono*', 'cloudflare:*'] },
	{
		room: 'worker/services',
		never: ['#durable/*', '#agent/*', '#lib/*', 'hono*', 'cloudflare:*', '**/routes/**', '**/http/**'],
	},
	{ room: 'worker/routes', never: ['#durable/*', '#agent/*', '#lib/*', 'drizzle-orm*', '**/db/**', 'cloudflare:*'] },
	{ room: 'durable', never: ['#agent/*', '#lib/*', 'hono*', 'drizzle-orm*', '**/routes/**'] },
	{
		room: 'durable/core',
		never: ['#*', '!#domain/*', '!#protocol/*', 'cloudflare:*', 'hono*', 'drizzle-orm*', '../*.ts'],
	},
	{
		room: 'agent',
		never: ['#*', '!#domain/*', '!#protocol/*', '!#agent/*', 'cloudflare:*', 'hono*', 'drizzle-orm*', 'svelte*'],
	},
	{
		room: 'client',
		never: ['#*', '!#domain/*', 'node:*', 'cloudflare:*', 'hono*', 'drizzle-orm*', 'svelte*', 'ws'],
	},
	{
		room: 'cli',
		never: [
			'#*',
			'!#domain/*',
			'!#protocol/*',
			'!#client/*',
			'!#cli/*',
			'cloudflare:*',
			'hono*',
			'drizzle-orm*',
			'svelte*',
		],
	},
	{
		room: 'app',
		never: ['#worker/*', '#durable/*', '#agent/*', '#cli/*', 'node:*', 'cloudflare:*', 'hono*', 'drizzle-orm*'],
	},
];

const borders = rooms.map(({ room, never }) => ({
	files: [`${room}/**/*.ts`, `${room}/**/*.svelte`],
	rules: {
		'no-restricted-imports': [
			'error',
			{
				patterns: [
					{ group: never, message: `${room}/ may not import this: see the table of rooms in docs/architecture.md.` },
					{
						regex: '^(\\.\\./)+(domain|protocol|worker|durable|agent|client|cli|app|tests)/',
						message: 'Cross rooms by #room/…, so that the borders can be checked.',
					},
				],
			},
		],
	},
}));

export default ts.config(
	{
		ignores: [
			'node_modules/',
			'build/',
			'dist/',
			'.svelte-kit/',
			'.wrangler/',
			'.uhub/',
			'app/lib/paraglide/',
			'client/routes.ts',
			'worker-configuration.d.ts',
			'test-results/',
			'.cache/',
		],
	},
	js.configs.recommended,
	...ts.configs.strict,
	...svelte.configs.recommended,
	{ languageOptions: { globals: { ...globals.node, ...globals.browser } } },
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: { parserOptions: { parser: ts.parser } },
	},
	// The app lives at the root of its origin: an address needs no base path put before it.
	{ files: ['app/**'], rules: { 'svelte/no-navigation-without-resolve': 'off' } },
	{
		rules: {
			'no-undef': 'off',
			'no-console': ['error', { allow: ['error', 'warn'] }],
			eqeqeq: 'error',
			'@typescript-eslint/consistent-type-imports': 'error',
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
			'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
		},
	},
	{ files: ['scripts/**', 'agent/**', 'tests/**'], rules: { 'no-console': 'off' } },
	...borders,
	prettier,
);
