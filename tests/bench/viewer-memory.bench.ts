// A run with a million lines in the log viewer: from its first line on, scrolled from end to end, searched and filtered. What the
// page's process holds for itself is what the person in front of it pays: garbage set aside, and the most there ever was.
import { type Browser, chromium, expect } from '@playwright/test';
import { z } from 'zod';
import { chromium as program } from '../../scripts/lib/chromium.mjs';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { LogPage } from '../support/log-page.ts';
import { enrol } from '../support/wire-agent.ts';
import { privateBytes, report, round } from './measure.ts';
import { hubSide } from './streams.ts';

const LINES = 1_000_000;
const BAR_MB = 150;
const MB = 1024 * 1024;
const SAMPLE_MS = 100;

const Processes = z.object({ processInfo: z.array(z.object({ id: z.number(), type: z.string() })) });

/** Of the largest page: its heap, its DOM, what was drawn, the browser's own. */
async function pageBytes(browser: Browser): Promise<number> {
	const cdp = await browser.newBrowserCDPSession();
	const { processInfo } = Processes.parse(await cdp.send('SystemInfo.getProcessInfo'));
	await cdp.detach();
	return Math.max(...processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => privateBytes(id)));
}

const hub = await startHub({ agent: false });
const browser = await chromium.launch({
	executablePath: program(),
	args: ['--no-sandbox', '--disable-background-networking'],
});
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const side = await hubSide(admin, await enrol(admin, 'talker', { project_ids: [project_id] }), job_id);
	const runs = z.object({ items: z.tuple([z.object({ id: z.number() })], z.unknown()) });
	const [run] = runs.parse(await admin.get('/api/runs?limit=1&sort=-requested_at')).items;

	const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
	const [name = '', value = ''] = admin.cookie.split('=', 2);
	await context.addCookies([{ name, value, url: hub.url }]);
	const page = await context.newPage();
	const cdp = await context.newCDPSession(page);
	await cdp.send('Performance.enable');
	await page.goto(`${hub.url}/runs/${String(run.id)}`);
	const log = new LogPage(page);
	await expect(log.viewport).toBeVisible();

	const empty = await pageBytes(browser);
	let most = 0;
	let heap = 0;
	let over = false;
	const sampling = (async () => {
		while (!over) {
			most = Math.max(most, await pageBytes(browser));
			const { metrics } = await cdp.send('Performance.getMetrics');
			heap = Math.max(heap, metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN);
			await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
		}
	})();
	let held = 0;
	const phase = async (what: string) => {
		await cdp.send('HeapProfiler.collectGarbage');
		const now = await pageBytes(browser);
		held = Math.max(held, now);
		console.log(`     ${what}: ${round(now / MB, 0)} MB held, ${round(most / MB, 0)} MB at most`);
	};

	for (let n = 0; n < LINES;) {
		let text = '';
		while (text.length < 65_000 && n < LINES)
			text += `line ${String(++n)} ${n % 1000 === 0 ? 'NEEDLE' : 'hay'} some words to make it as long as lines are\n`;
		await side.send(side.frame(Buffer.from(text)));
	}
	await side.end();
	await expect(log.text(LINES)).toBeInViewport({ timeout: 120_000 });
	await phase('followed live');

	for (const part of [0, 0.5, 1])
		for (let step = -20; step <= 20; step++) {
			const at = Math.min(1, Math.max(0, part + step / 400));
			await log.viewport.evaluate((element, share) => (element.scrollTop = share * element.scrollHeight), at);
			await expect(log.rows.first()).not.toHaveClass(/waiting/);
		}
	await phase('scrolled');
	await log.search('NEEDLE');
	await expect(log.hits).toContainText('/ 1,000', { timeout: 60_000 });
	await log.log.getByRole('radio', { name: 'stdout' }).check();
	await expect(log.rows.first()).not.toHaveClass(/waiting/, { timeout: 120_000 });
	await phase('searched and filtered');
	over = true;
	await sampling;

	report(
		'10 a million lines in the viewer',
		`${round(held / MB, 0)} MB held by the page's own process (${round(empty / MB, 0)} before), ${round(most / MB, 0)} with garbage; heap ${round(heap / MB, 0)} MB at most`,
		`≤ ${String(BAR_MB)} MB held`,
		held <= BAR_MB * MB,
	);
} finally {
	await browser.close();
	await hub.stop();
}
