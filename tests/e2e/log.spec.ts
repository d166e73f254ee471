// A long log, a strange log, a log that grows: what somebody in front of it sees.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { complaints } from '#tests/support/a11y.ts';
import { Gates } from '#tests/support/gates.ts';
import { LogPage } from '#tests/support/log-page.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

const gates = new Gates();
let project: number;

test.beforeAll(async () => {
	const admin = await apiOf('admin');
	project = (await admin.ok('POST', '/api/projects', { name: `Logs ${String(process.pid)}` })).id as number;
});
test.afterAll(() => {
	gates.remove();
});

/** Starts a run of this script as the admin, and opens its page. */
async function watch(page: Page, script: string, title: string): Promise<{ log: LogPage; run: number }> {
	const admin = await apiOf('admin');
	const { job_id } = await admin.jobInProject(project, script, { title });
	const run = await admin.run(job_id);
	await page.goto(`/runs/${String(run)}`);
	return { log: new LogPage(page), run };
}

/** Bytes of the page's heap that are in use, and its elements, after a collection of garbage. */
async function weight(page: Page): Promise<{ heap: number; nodes: number }> {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send('HeapProfiler.collectGarbage');
	await cdp.send('Performance.enable');
	const { metrics } = await cdp.send('Performance.getMetrics');
	await cdp.detach();
	const of = (name: string) => metrics.find((m) => m.name === name)?.value ?? Number.NaN;
	return { heap: of('JSHeapUsedSize'), nodes: of('Nodes') };
}

test('a log of 200,000 lines: live, from end to end, and at any line', async ({ open }) => {
	const LINES = 200_000;
	const ROWS_MAX = 120;
	const { page } = await open('admin');
	const script = `echo begin\n${gates.wait('flood')}\nseq -f 'line %.0f of many, some words to make it as long as lines are' 2 ${String(LINES)}`;
	const { log } = await watch(page, script, 'Flood');
	await expect(log.text(1)).toHaveText('begin');
	const before = await weight(page);

	gates.open('flood');
	await expect(log.status).toHaveText('Success', { timeout: 45_000 });
	await expect(log.text(LINES)).toBeInViewport();
	await expect(log.text(LINES)).toContainText('line 200000 of many');
	expect(await log.rows.count()).toBeLessThan(ROWS_MAX);

	// To the beginning by the keyboard, to the end again.
	await log.viewport.focus();
	await page.keyboard.press('g');
	await expect(log.text(1)).toBeInViewport();
	await page.keyboard.press('Shift+G');
	await expect(log.text(LINES)).toBeInViewport();

	// All over the place, as with the scroll bar.
	for (let part = 0; part <= 40; part++) {
		const line = 1 + Math.floor(((LINES - 1) * part) / 40);
		await log.scrollTo(line);
		await expect(log.text(line)).toContainText(line === 1 ? 'begin' : `line ${String(line)} of`);
	}
	expect(await log.rows.count()).toBeLessThan(ROWS_MAX);
	const after = await weight(page);
	expect(after.nodes).toBeLessThan(before.nodes + 40 * ROWS_MAX);
	// The log is 14 MB, its lines as objects several times as much: the page keeps a part.
	expect(after.heap - before.heap).toBeLessThan(60e6);

	await page.goto(`${page.url().split('#')[0] ?? ''}#L123456`);
	await expect(log.text(123_456)).toBeInViewport();
	await expect(log.row(123_456)).toHaveClass(/selected/);
	await expect(log.text(123_456)).toContainText('line 123456 of');
	await page.reload();
	await expect(log.text(123_456)).toBeInViewport();
});

test('progress by \\r is one line, colours are colours, stderr is marked and filtered', async ({ open }) => {
	const { page } = await open('admin');
	const script = [
		"printf '10%%\\r'",
		gates.wait('half'),
		"printf ' 50%%\\r'",
		gates.wait('full'),
		"printf '100%%\\n'",
		"printf 'it is \\033[31mred\\033[0m and \\033[1;38;5;208morange\\033[0m\\n'",
		"echo 'something went wrong' >&2",
		gates.wait('colours'),
		"echo 'the end'",
	].join('\n');
	const { log } = await watch(page, script, 'Strange');
	await expect(log.text(1)).toHaveText('10%');
	gates.open('half');
	await expect(log.text(1)).toHaveText('50%');
	gates.open('full');
	await expect(log.text(1)).toHaveText('100%');

	await expect(log.text(2)).toHaveText('it is red and orange');
	const colour = (text: string) =>
		log
			.text(2)
			.getByText(text, { exact: true })
			.evaluate((element) => getComputedStyle(element).color);
	const [plain, red, orange] = [await colour('it is'), await colour('red'), await colour('orange')];
	expect(orange).toBe('rgb(255, 135, 0)');
	expect(new Set([plain, red, orange]).size).toBe(3);

	await expect(log.text(3)).toHaveText('something went wrong');
	await expect(log.row(3).getByText('stderr')).toBeAttached();
	await expect(log.row(2).getByText('stderr')).not.toBeAttached();
	gates.open('colours');
	await expect(log.text(4)).toHaveText('the end');
	await expect(log.status).toHaveText('Success');

	const stream = log.log.getByRole('group', { name: 'Stream' });
	await stream.getByRole('radio', { name: 'stderr' }).check();
	await expect(log.rows).toHaveCount(1);
	await expect(log.text(3)).toHaveText('something went wrong');
	await stream.getByRole('radio', { name: 'stdout' }).check();
	await expect(log.rows).toHaveCount(3);
	await expect(log.row(3)).toHaveCount(0);
	await stream.getByRole('radio', { name: 'All' }).check();
	await expect(log.rows).toHaveCount(4);

	await log.log.getByRole('button', { name: 'Show times' }).click();
	await expect(log.row(1)).toContainText(/\d{2}:\d{2}:\d{2}\.\d{3}/);
});

test('it follows until somebody looks back, says what is new, and follows again', async ({ open }) => {
	const { page } = await open('admin');
	const script = [
		'seq 1 200',
		gates.wait('more'),
		'seq 201 210',
		gates.wait('again'),
		'seq 211 300',
		gates.wait('over'),
		'seq 301 310',
	].join('\n');
	const { log } = await watch(page, script, 'Growing');
	await expect(log.text(200)).toBeInViewport();
	const follow = log.log.getByRole('button', { name: 'Follow the end' });
	await expect(follow).toHaveAttribute('aria-pressed', 'true');

	await log.viewport.hover();
	await page.mouse.wheel(0, -1500);
	await expect(log.text(200)).not.toBeInViewport();
	await expect(follow).toHaveAttribute('aria-pressed', 'false');
	const top = await log.viewport.evaluate((element) => element.scrollTop);
	gates.open('more');
	const unseen = log.log.getByRole('button', { name: '10 new lines' });
	await expect(unseen).toBeVisible();
	expect(await log.viewport.evaluate((element) => element.scrollTop)).toBe(top);
	await unseen.click();
	await expect(log.text(210)).toBeInViewport();
	await expect(follow).toHaveAttribute('aria-pressed', 'true');

	gates.open('again');
	await expect(log.text(300)).toBeInViewport();
	await follow.click();
	await expect(follow).toHaveAttribute('aria-pressed', 'false');
	gates.open('over');
	await expect(log.status).toHaveText('Success');
	await expect(log.text(300)).toBeInViewport();
});

test('a line that is pointed at while the page loads anew keeps its mark', async ({ open }) => {
	const { page, api } = await open('admin');
	const { log, run } = await watch(page, 'seq 1 300', 'Before');
	await expect(log.status).toHaveText('Success');
	const { job_id } = await api.get(`/api/runs/${String(run)}`);
	const job = `/api/jobs/${String(job_id)}`;
	const asked = Promise.withResolvers<null>();
	const release = Promise.withResolvers<null>();
	await page.route(`**${job}`, async (route) => {
		asked.resolve(null);
		await release.promise;
		await route.continue();
	});
	const { version } = await api.get(job);
	await api.ok('PATCH', job, { title: 'After' }, { 'if-match': `"v${String(version)}"` });
	await asked.promise;
	await page.evaluate(() => (location.hash = '#L7'));
	await expect(log.row(7)).toHaveClass(/selected/);
	release.resolve(null);
	await expect(page.getByRole('heading', { name: 'After' })).toBeVisible();
	await expect(log.row(7)).toHaveClass(/selected/);
});

test('the download holds the very bytes', async ({ open }) => {
	const { page } = await open('admin');
	// Every byte there is, no newline at the end, and a line longer than the screen shows.
	const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const octal = Array.from(all, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
	const script = `printf '${octal}'\nprintf '%070000d' 0`;
	const { log, run } = await watch(page, script, 'Bytes');
	await expect(log.status).toHaveText('Success');

	const [download] = await Promise.all([
		page.waitForEvent('download'),
		log.log.getByRole('link', { name: 'Download the raw log' }).click(),
	]);
	expect(download.suggestedFilename()).toBe(`run-${String(run)}.log`);
	const bytes = readFileSync(await download.path());
	expect(bytes.equals(Buffer.concat([all, Buffer.from('0'.repeat(70_000))]))).toBe(true);

	// On the screen it is cut, and says so.
	await log.log.getByRole('button', { name: 'Show all' }).last().click();
	await expect(page.getByRole('dialog')).toContainText('Only its beginning is shown; the raw log has all of it.');
});

test('steps are listed with their outcomes, lead to their lines, and can be folded away', async ({ open }) => {
	const admin = await apiOf('admin');
	const scripts: unknown[] = [];
	for (const [name, content] of Object.entries({
		build: 'for i in $(seq 1 80); do echo "compiling $i"; done',
		test: 'echo "one fails" >&2; exit 3',
		ship: 'echo never',
	})) {
		const script = { tool: 'shell', name, location_type: 'uploaded', content: `#!/bin/sh\n${content}\n` };
		scripts.push((await admin.ok('POST', `/api/projects/${String(project)}/scripts`, script)).id);
	}
	const job = await admin.ok('POST', `/api/projects/${String(project)}/jobs`, {
		title: 'In steps',
		job_type: 'ops',
		script_ids: scripts,
	});
	const run = await admin.run(job.id as number);
	await admin.ended(run);

	const { page } = await open('admin');
	await page.goto(`/runs/${String(run)}`);
	const log = new LogPage(page);
	const steps = page.getByRole('list', { name: 'Steps' }).getByRole('button');
	await expect(steps).toHaveCount(2);
	await expect(steps.nth(0)).toContainText(/success.*build/i);
	await expect(steps.nth(1)).toContainText(/failed.*test.*3/i);

	// Line 1 names the first step; its 80 lines go into that row and come back.
	await steps.nth(0).click();
	await expect(log.text(2)).toHaveText('compiling 1');
	await log.row(1).getByRole('button', { name: 'Fold this step away' }).press('Enter');
	await expect(log.row(2)).toHaveCount(0);
	await expect(log.row(1)).toContainText('80 lines');
	await expect(log.text(83)).toHaveText('one fails');
	expect(await complaints(page)).toEqual([]);
	await log.row(1).getByRole('button', { name: 'Show 80 lines' }).click();
	await expect(log.text(2)).toHaveText('compiling 1');

	// What leads to a folded line opens it.
	await log.row(1).getByRole('button', { name: 'Fold this step away' }).click();
	await expect(log.row(2)).toHaveCount(0);
	await steps.nth(0).click();
	await expect(log.text(2)).toHaveText('compiling 1');
});
