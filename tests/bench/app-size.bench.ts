// What a browser loads before the app can be used: the scripts of the first page, compressed as they are sent.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { startHub } from '../support/hub.ts';
import { chromium } from '@playwright/test';
import { report, round } from './measure.ts';

const BUILD = path.resolve(import.meta.dirname, '../../build');
const hub = await startHub({ agent: false });
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-background-networking'],
});
try {
	const page = await browser.newPage();
	const scripts = new Set<string>();
	page.on('response', (r) => {
		const { pathname } = new URL(r.url());
		if (pathname.endsWith('.js')) scripts.add(pathname);
	});
	await page.goto(hub.url, { waitUntil: 'networkidle' });
	const bytes = [...scripts].reduce((sum, file) => sum + gzipSync(readFileSync(path.join(BUILD, file))).length, 0);
	report(
		'13 scripts of the first page',
		`${round(bytes / 1000, 1)} kB gzip in ${String(scripts.size)} files`,
		'≤ 110 kB',
		bytes <= 110_000,
	);
} finally {
	await browser.close();
	await hub.stop();
}
