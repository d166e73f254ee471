// What a browser has to load before a page can be used.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';

const BUILD = path.resolve(import.meta.dirname, '../../build');
/** Of each page, compressed: row 13 of the speeds that uHub promises. */
export const FIRST_LOAD_MAX = 110_000;

/** The scripts a page fetches until it is quiet, as they are sent: compressed. */
export async function firstLoad(page: Page, address: string): Promise<{ bytes: number; files: string[] }> {
	const scripts = new Set<string>();
	const note = (url: string) => {
		const { pathname } = new URL(url);
		if (pathname.endsWith('.js')) scripts.add(pathname);
	};
	page.on('response', (response) => {
		note(response.url());
	});
	await page.goto(address, { waitUntil: 'networkidle' });
	const sizes = Array.from(scripts, (file) => ({
		file,
		bytes: gzipSync(readFileSync(path.join(BUILD, file))).length,
	})).toSorted((a, b) => b.bytes - a.bytes);
	return {
		bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
		files: sizes.map(({ file, bytes }) => `${path.basename(file)} ${String(bytes)}`),
	};
}
