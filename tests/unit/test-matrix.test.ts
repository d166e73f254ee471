import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const layers = ['unit', 'worker', 'agent', 'e2e', 'faults'];
const [, ...rows] = readFileSync('docs/test-matrix.md', 'utf8')
	.split('\n')
	.filter((line) => line.startsWith('|') && !line.startsWith('| -'))
	.map((line) => line.split('|').slice(1, -1));

/** What the rows name in the column of a layer; a star stands for anything. */
const namedIn = (layer: string): string[] =>
	rows.flatMap((row) =>
		[...(row[layers.indexOf(layer) + 1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
	);
const filesOf = (layer: string): string[] =>
	readdirSync(`tests/${layer}`, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
		const name = /([^/]+)\.(test|spec)\.ts$/.exec(file)?.[1];
		return name ? [name] : [];
	});
const matches = (pattern: string, file: string) =>
	pattern.endsWith('*') ? file.startsWith(pattern.slice(0, -1)) : file === pattern;

describe('the matrix of tests', () => {
	it.each(layers)('%s: each file is in a row, and each row names files that are', (layer) => {
		const [named, files] = [namedIn(layer), filesOf(layer)];
		expect(files.filter((file) => !named.some((pattern) => matches(pattern, file)))).toEqual([]);
		expect(named.filter((pattern) => !files.some((file) => matches(pattern, file)))).toEqual([]);
	});
});
